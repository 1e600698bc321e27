/**
 * Bugs that are planted on purpose, to know that the simulation would find them: each changes the real sources in
 * one place, or in all that guard the same thing. A text that is not there exactly once is an error.
 */
export interface Change {
  readonly file: string
  readonly from: string
  readonly to: string
}

/** By what is wrong with it; the key is part of a module's address, so it is a plain word. */
export const PLANTED: Readonly<Record<string, readonly Change[]>> = {
  'others-may-write-an-entry': [
    {
      file: 'lib/links/far-ends.ts',
      from: "if (connectionOf(said.state) !== link.peer) return rejects.count('not-owner')",
      to: '',
    },
  ],
  'an-older-value-is-taken': [
    { file: 'lib/roster/roster.ts', from: 'if (entry.clock <= member.clock)', to: 'if (entry.clock === member.clock)' },
    { file: 'lib/roster/member.ts', from: "if (seq < member.seq) return reject('stale')", to: '' },
    { file: 'lib/roster/member.ts', from: ': seq > member.seq', to: ': seq !== member.seq' },
  ],
  'a-client-id-is-believed': [
    { file: 'lib/links/far-ends.ts', from: 'if (!isTaken) return { saidId', to: 'return { saidId' },
  ],
  'goodbyes-are-not-said': [
    { file: 'lib/links/farewell.ts', from: 'link.sayGoodbye(by, except?.get(link))', to: '{}' },
    { file: 'lib/links/farewell.ts', from: 'castAlone(GOODBYE_FRAME, reachable)', to: 'reachable' },
  ],
  'hellos-go-one-way': [{ file: 'lib/links/handshake.ts', from: 'isRepeated: tries > 1', to: 'isRepeated: false' }],
  'early-words-are-not-asked-for': [{ file: 'lib/links/link.ts', from: 'reach.miss()\n', to: '\n' }],
  'a-closed-way-is-the-end-at-once': [
    {
      file: 'lib/roster/roster.ts',
      from: 'export const CLOSED_HOLD_MS = 1_500',
      to: 'export const CLOSED_HOLD_MS = 0',
    },
  ],
  'a-gap-of-nine-seconds-is-a-leave': [
    {
      file: 'lib/links/liveness.ts',
      from: 'export const SILENT_AFTER_MS = 14_500',
      to: 'export const SILENT_AFTER_MS = 8_000',
    },
  ],
  'silence-is-never-told': [
    {
      file: 'lib/links/liveness.ts',
      from: 'export const SILENT_AFTER_MS = 14_500',
      to: 'export const SILENT_AFTER_MS = 1e9',
    },
  ],
  'a-sleeper-judges-by-its-sleep': [
    {
      file: 'lib/roster/roster-keeper.ts',
      from: 'if (lateMs > ASLEEP_MS) state = restartHolds(state, now)',
      to: '',
    },
  ],
  'the-end-of-a-server-is-that-of-its-members': [
    {
      file: 'lib/links/relay-meeting.ts',
      from: "for (const peer of [...met]) part(peer, 'lost')",
      to: "for (const peer of [...met]) part(peer, 'closed')",
    },
  ],
  'a-failed-way-loses-the-last-value': [
    {
      file: 'lib/links/link.ts',
      from: 'if (reach.isReachable()) needs.onRerouted(link)',
      to: '',
    },
  ],
  'a-hello-is-said-once': [
    {
      file: 'lib/links/handshake.ts',
      from: 'backoff.schedule(attempt)\n',
      to: '\n',
    },
  ],
  'a-timer-is-left-behind': [
    {
      file: 'lib/links/mesh.ts',
      from: '      isStopped = true\n      cancelTick()',
      to: '      isStopped = true',
    },
  ],
  'a-data-channel-is-left-open': [
    {
      file: 'lib/links/direct-carrier.ts',
      from: '    connection.close()\n',
      to: '',
    },
  ],
  'messages-come-twice': [
    {
      file: 'lib/message-order.ts',
      from: 'if (message.seq < due) return { order, ready: [] }',
      to: '',
    },
  ],
  'old-words-show-the-dead': [
    {
      file: 'lib/links/liveness.ts',
      from: '      estrangedAt ??= count\n',
      to: '',
    },
  ],
  'a-neighbour-loses-words': [{ file: 'lib/links/link.ts', from: " || carriers.get(id)?.kind === 'via'", to: '' }],
  'a-return-after-a-leave-is-refused': [
    {
      file: 'lib/roster/roster.ts',
      from: 'endMembership(step.state, member, member.clock - 1, now)',
      to: 'endMembership(step.state, member, member.clock, now)',
    },
  ],
  'a-cast-counts-as-heard-by-all': [
    {
      file: 'lib/links/casting.ts',
      from: 'for (const link of ready) rest.delete(link)',
      to: 'for (const link of served) rest.delete(link)',
    },
  ],
  'words-for-several-are-said-to-each': [
    { file: 'lib/links/casting.ts', from: "receiver.state = 'acknowledged'", to: "receiver.state = 'given'" },
  ],
  'a-missing-message-is-not-waited-for': [
    { file: 'lib/message-order.ts', from: 'waitedMs >= GAP_WAIT_MS', to: 'waitedMs >= ASK_AFTER_MS / 2' },
  ],
  'missing-messages-are-not-asked-for': [
    { file: 'lib/message-order.ts', from: 'questions.push({ clientId, due: sender.due })', to: '' },
  ],
  'a-document-is-not-compared-on-meeting': [
    {
      file: 'lib/links/document-links.ts',
      from: 'greet: (link) => link.send(encodeDocument(0, Y.encodeStateVector(doc)))',
      to: 'greet: () => undefined',
    },
  ],
  'edits-are-lost-with-a-carrier': [
    { file: 'lib/links/document-links.ts', from: 'if (isAhead(payload, doc))', to: 'if (false)' },
  ],
  'a-server-is-believed': [
    {
      file: 'lib/links/link.ts',
      from: "if (how === 'closed') link.probe()",
      to: "if (how === 'closed') becomeUnreachable('closed', 0)",
    },
  ],
  'nobody-needs-the-secret': [
    {
      file: 'lib/links/handshake.ts',
      from: '...needs.hello, attempt',
      to: '...needs.hello, secretKey: undefined, attempt',
    },
  ],
  'replays-are-taken': [
    {
      file: 'lib/identity/seal.ts',
      from: 'isFresh: (counter) => counter > newest || (counter > newest - size && seen[counter % size] === 0)',
      to: 'isFresh: () => true',
    },
  ],
  'new-keys-close-a-data-channel': [
    {
      file: 'lib/links/mesh.ts',
      from: "if (pair === undefined || pair.link.carriers().some(({ kind }) => kind === 'direct')) return",
      to: 'if (pair === undefined) return',
    },
  ],
  'the-unproved-keep-others-out': [
    {
      file: 'lib/links/mesh.ts',
      from: 'pairs.size >= MAX_MEMBERS - 1 && !giveWay()',
      to: 'pairs.size >= MAX_MEMBERS - 1',
    },
  ],
  'a-failed-data-channel-is-not-tried-again': [
    { file: 'lib/links/mesh.ts', from: 'if (own < link.peer) retryDirect(pair, wasOpen)', to: '' },
  ],
  'a-goodbye-overtakes-the-last-word': [
    {
      file: 'lib/links/transport.ts',
      from: "    if (!isImmediate) await settled()\n    sayGoodbyes('neighbours')\n    if (!isImmediate) await settled()",
      to: "    sayGoodbyes('neighbours')",
    },
  ],
  'those-who-left-keep-the-key': [
    {
      file: 'lib/links/casting.ts',
      from: 'const isStale = [...receivers.keys()].some((link) => !link.isReachable())',
      to: 'const isStale = false',
    },
  ],
  'everything-is-passed-on-again': [
    { file: 'lib/links/mesh.ts', from: "return kind !== undefined && kind !== 'via'", to: 'return kind !== undefined' },
  ],
  'silence-is-of-the-system-clock': [
    {
      file: 'lib/links/liveness.ts',
      from: 'const steadyMs = () => clock.moment().steadyMs',
      to: 'const steadyMs = () => clock.moment().unixMs',
    },
  ],
  'a-late-slot-counts': [{ file: 'lib/identity/cast.ts', from: 'if (next.slot < slot) return false', to: '' }],
  'a-document-that-came-back-is-stale': [
    {
      file: 'lib/roster/member.ts',
      from: "if (!isForeign && joinedAt > member.joinedAt) return 'newer-membership'",
      to: '',
    },
  ],
  'a-way-that-did-not-answer-is-given-up': [
    { file: 'lib/links/link.ts', from: 'liveness.askSuspects(all', to: 'void (all' },
  ],
}
