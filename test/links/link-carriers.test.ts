/** Which of its ways a link chooses for what. */
import { expect, it } from 'vitest'
import type { Carrier } from '../../lib/links/carrier.ts'
import { createLinkCarriers } from '../../lib/links/link-carriers.ts'

const way = (id: string, kind: Carrier['kind']): Carrier => ({
  ...{ id, kind, isPrivate: kind === 'direct' },
  ...{ send: () => undefined, backlogBytes: () => 0, close: () => undefined },
})

function carriersOf(...ways: readonly Carrier[]) {
  const carriers = createLinkCarriers({
    ...{ forget: () => undefined, vouch: () => undefined, roundTripMs: () => undefined },
    ...{ isProven: () => true, isSuspect: () => false },
  })
  for (const carrier of ways) carriers.add(carrier)
  return (by: string | undefined, isRepeated: boolean) => carriers.forHello(by, isRepeated).map(({ id }) => id)
}

const NEIGHBOURS = Array.from({ length: 9 }, (_, index) => `via:${index}`)

it('[L26] a hello goes by the best way that others can read, an answer by the way of what it answers', () => {
  const waysOf = carriersOf(way('via:0', 'via'), way('relay:0', 'relay'), way('direct', 'direct'))
  expect(waysOf(undefined, false)).toEqual(['relay:0'])
  expect(waysOf('via:0', false)).toEqual(['via:0'])
  expect(waysOf('gone', false)).toEqual(['relay:0'])
  expect(carriersOf(way('direct', 'direct'))(undefined, true)).toEqual([])
})

it('[L26] one that is repeated goes by that way and three others, each of which has its turn', () => {
  const waysOf = carriersOf(way('relay:0', 'relay'), ...NEIGHBOURS.map((id) => way(id, 'via')))
  const times = [1, 2, 3].map(() => {
    // Answers take nobody's turn.
    expect(waysOf('via:8', true)[0]).toBe('via:8')
    return waysOf(undefined, true)
  })
  expect(times).toEqual(
    [NEIGHBOURS.slice(0, 3), NEIGHBOURS.slice(3, 6), NEIGHBOURS.slice(6)].map((ways) => ['relay:0', ...ways]),
  )
  // The next hello begins anew.
  expect(waysOf(undefined, false)).toEqual(['relay:0'])
  expect(waysOf(undefined, true)).toEqual(times[0])
  // Few enough are all there always.
  const few = carriersOf(way('relay:0', 'relay'), way('tab', 'tab'), way('via:0', 'via'))
  for (let times = 0; times < 3; times++) expect(few(undefined, true).sort()).toEqual(['relay:0', 'tab', 'via:0'])
})
