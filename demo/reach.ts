/** How a member is reached, as a badge can say it. Pure. */
import type { Channel } from 'copresence'

export type Inspection = ReturnType<Channel['inspect']>

/** none: no path just now, though the member is not given up yet. */
export type Reach = 'self' | 'tab' | 'direct' | 'relay' | 'via' | 'none'

/** The best first: what carries the updates where there are several. */
const PREFERENCE = ['tab', 'direct', 'relay', 'via'] as const

export const REACH_WORDS: Readonly<Record<Reach, { readonly label: string; readonly meaning: string }>> = {
  self: { label: 'you', meaning: 'This is you' },
  tab: { label: 'tab', meaning: 'Another tab of this browser: nothing leaves the machine' },
  direct: { label: 'direct', meaning: 'Browser to browser, over WebRTC' },
  relay: { label: 'relay', meaning: 'Through the server, as no direct way is open' },
  via: { label: 'passed on', meaning: 'Passed on by somebody who reaches both of you, and cannot read it' },
  none: { label: 'reconnecting…', meaning: 'Out of reach just now; shown as gone if it lasts' },
}

/** The reach of every member the inspection knows, by connectionId. */
export function readReach({ members }: Inspection, ownConnectionId: string): Map<string, Reach> {
  return new Map(
    members.map(({ connectionId, paths }) => [
      connectionId,
      connectionId === ownConnectionId ? 'self' : (PREFERENCE.find((kind) => paths.includes(kind)) ?? 'none'),
    ]),
  )
}
