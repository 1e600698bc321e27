/** The program of a measured member process: does what its parent asks over IPC, and tells what its room tells it. */
import { installCounter } from './counting.ts'
import type { Counts } from './counts.ts'
import type { JoinRequest, StackMember, Told } from './stacks.ts'

export type MemberRequest = { readonly call: number } & (
  | ({ readonly do: 'join' } & JoinRequest)
  | { readonly do: 'update'; readonly data: object }
  | { readonly do: 'leave' }
  | { readonly do: 'counts' }
  | { readonly do: 'lookFor'; readonly tag: string }
)

/** What is seen of the room, told when it changed. `at` is Unix ms. */
export interface View {
  readonly seen: number
  readonly direct: number
  readonly isServed: boolean
  readonly at: number
}

export type MemberMessage =
  | { readonly ready: true }
  | { readonly call: number; readonly value?: Counts | number; readonly error?: string }
  | { readonly told: Told & { readonly at: number } }
  | { readonly view: View }

/** How often the view is looked at: the resolution of the times that come from it. */
const LOOK_EVERY_MS = 20
/** A look goes through all links: thirty processes that look all the time would starve each other of what is measured. */
const LOOK_SHARE = 0.02

const counter = installCounter()
const say = (message: MemberMessage) => process.send?.(message)
let member: StackMember | undefined
let last: View = { seen: 0, direct: 0, isServed: false, at: 0 }

function look(): void {
  if (member === undefined) return
  const view = { seen: member.seen(), direct: member.direct(), isServed: member.isServed(), at: Date.now() }
  if (view.seen === last.seen && view.direct === last.direct && view.isServed === last.isServed) return
  last = view
  say({ view })
}

function lookOn(): void {
  const startedAt = performance.now()
  look()
  setTimeout(lookOn, Math.max(LOOK_EVERY_MS, (performance.now() - startedAt) / LOOK_SHARE))
}

/** For a join and a leave: Unix ms of the moment it began. */
async function answer(request: MemberRequest): Promise<Counts | number> {
  const at = Date.now()
  switch (request.do) {
    case 'join': {
      const { joinRoom } = await import('./stacks.ts')
      const startedAt = Date.now()
      member = await joinRoom(request, (told) => {
        say({ told: { ...told, at: Date.now() } })
        look()
      })
      lookOn()
      return startedAt
    }
    case 'update':
      member?.update(request.data)
      return at
    case 'leave': {
      const left = member?.leave()
      member = undefined
      await left
      return at
    }
    case 'counts':
      return counter.counts()
    case 'lookFor':
      counter.lookFor(request.tag)
      return at
  }
}

process.on('message', (request: MemberRequest) => {
  answer(request).then(
    (value) => say({ call: request.call, value }),
    (error) => say({ call: request.call, error: String(error) }),
  )
})
// Whoever started it is gone.
process.on('disconnect', () => process.exit())

// Loaded before it is needed, so that a join is not measured with it.
await import('./stacks.ts')
say({ ready: true })
