/**
 * Bugs that are planted on purpose, to know that the simulation would find them: each changes the real sources in
 * one place, or in all that guard the same thing. A text that is not there exactly once is an error.
 */
export interface Change {
  readonly file: string
  readonly from: string
  readonly to: string
}

const replace = (file: string, from: string, to = ''): Change => ({ file: `lib/${file}`, from, to })

/** Lets whoever leaves do so as late as its timers are: alone it is one bug, and else what keeps others from showing. */
const GOODBYES_BY_TIMER = replace('links/transport.ts', 'farewell.tend()\n', '\n')

/** By what is wrong with it; the key is part of a module's address, so it is a plain word. */
export const PLANTED: Readonly<Record<string, readonly Change[]>> = {
  'others-may-write-an-entry': [
    replace('links/far-ends.ts', "if (connectionId !== link.peer) return rejects.count('not-owner')"),
  ],
  'an-older-value-is-taken': [
    replace('roster/roster.ts', 'if (entry.clock <= member.clock)', 'if (entry.clock === member.clock)'),
    replace('roster/member.ts', "if (seq < member.seq) return reject('stale')"),
    replace('roster/member.ts', ': seq > member.seq', ': seq !== member.seq'),
  ],
  'a-client-id-is-believed': [
    replace(
      'links/far-ends.ts',
      'if (!others.some(({ clientId }) => clientId === wanted)) return { saidId',
      'return { saidId',
    ),
  ],
  'goodbyes-are-not-said': [
    replace('links/farewell.ts', 'link.sayGoodbye(by)', '{}'),
    replace('links/farewell.ts', 'castAlone(GOODBYE_FRAME, castable)', 'castable'),
  ],
  'a-goodbye-overtakes-the-last-words': [
    replace('links/goodbye.ts', 'const isFirst = carrier === own || !isWell', 'const isFirst = true'),
  ],
  'a-late-goodbye-waits-for-its-timer': [GOODBYES_BY_TIMER],
  'a-leaver-goes-on-answering': [
    replace('links/farewell.ts', 'for (const link of all) link.fallSilent()'),
    replace('links/farewell.ts', 'onSaid()\n', '\n'),
    GOODBYES_BY_TIMER,
  ],
  'hellos-go-one-way': [replace('links/handshake.ts', 'isRepeated: tries > 1', 'isRepeated: false')],
  'early-words-are-not-asked-for': [
    replace('links/link.ts', 'reach.miss()\n', '\n'),
    replace('links/asking.ts', 'firstAsksLeft = FIRST_ASKS', 'firstAsksLeft = 0'),
    replace('links/link.ts', 'link.send(ASK_FRAME)\n    }\n    reach.heard', '}\n    reach.heard'),
  ],
  'a-closed-way-is-the-end-at-once': [
    replace('roster/roster.ts', 'export const CLOSED_HOLD_MS = 1_500', 'export const CLOSED_HOLD_MS = 0'),
  ],
  'a-return-takes-no-end-back': [replace('links/link.ts', 'reach.returned(carrier.id)')],
  'a-gap-of-nine-seconds-is-a-leave': [
    replace('links/liveness.ts', 'SILENT_AFTER_MS = 14_500', 'SILENT_AFTER_MS = 8_000'),
  ],
  'idle-time-is-silence': [
    replace(
      'links/liveness.ts',
      'steadyMs() - Math.max(lastHeardMs, Math.min(knownMs, toldMs))',
      'steadyMs() - lastHeardMs',
    ),
  ],
  'a-lease-excuses-nothing': [
    replace(
      'links/liveness.ts',
      'Math.min(Math.max(unansweredMs, leaseEndsMs), vouchedMs())',
      'Math.min(unansweredMs, vouchedMs())',
    ),
  ],
  'a-lease-needs-no-server': [
    replace(
      'links/liveness.ts',
      'Math.min(Math.max(unansweredMs, leaseEndsMs), vouchedMs())',
      'Math.max(unansweredMs, leaseEndsMs)',
    ),
  ],
  'a-servers-silence-is-not-of-its-members': [
    replace('links/link.ts', 'if (silentMs > 0) liveness.tellSilence(silentMs)'),
  ],
  'silence-is-never-told': [replace('links/liveness.ts', 'SILENT_AFTER_MS = 14_500', 'SILENT_AFTER_MS = 1e9')],
  'silence-is-of-the-system-clock': [
    replace('links/liveness.ts', 'steadyMs = () => clock.moment().steadyMs', 'steadyMs = () => clock.moment().unixMs'),
  ],
  'a-sleeper-judges-by-its-sleep': [
    replace('roster/roster-keeper.ts', 'if (lateMs > ASLEEP_MS) state = restartHolds(state, now)\n    else if', 'if'),
  ],
  'a-return-after-a-leave-is-refused': [
    replace('roster/roster.ts', 'step.state, member, member.clock - 1, now', 'step.state, member, member.clock, now'),
  ],
  'a-document-that-came-back-is-stale': [
    replace('roster/member.ts', "if (!isForeign && joinedAt > member.joinedAt) return 'newer-membership'"),
  ],
  'a-return-begins-with-an-old-clock': [
    replace('channel.ts', 'needs.time.steadyNow() * 16', 'needs.time.now() * 16'),
    replace('membership.ts', 'const joinedAt = time.next()', 'const joinedAt = now()'),
  ],
  'two-memberships-at-a-time': [replace('links-travel.ts', 'await endings.get(channel)'), GOODBYES_BY_TIMER],
  'the-end-of-a-server-is-that-of-its-members': [
    replace(
      'links/relay-meeting.ts',
      "for (const peer of [...met.keys()]) part(peer, 'lost', silentMs)",
      "for (const peer of [...met.keys()]) part(peer, 'closed', silentMs)",
    ),
  ],
  'a-server-is-believed': [
    replace('links/link.ts', "if (how === 'closed') probe()", "if (how === 'closed') reach.end('closed', 0)"),
  ],
  'the-unproved-keep-others-out': [
    replace('links/mesh.ts', 'met.size >= MAX_MEMBERS - 1 && !giveWay()', 'met.size >= MAX_MEMBERS - 1'),
  ],
  'nobody-needs-the-secret': [
    replace('links/handshake.ts', '...needs.hello, attempt', '...needs.hello, secretKey: undefined, attempt'),
  ],
  'a-change-is-of-any-version': [
    replace(
      'links/far-ends.ts',
      'if (far === undefined || clock - change.since !== far.clock)',
      'if (far === undefined)',
    ),
    replace('wire/entry-change.ts', "if (from.clock % CLOCKS !== base) return reject('stale')"),
    replace('wire/entry-change.ts', "if (sumOf(body) !== check) return reject('stale')"),
  ],
  'a-missing-change-is-not-asked-for': [
    replace('links/far-ends.ts', 'rejects.count(reason)\n    link.askAnew()', 'rejects.count(reason)'),
    replace('links/far-ends.ts', '    takeWaiting(link, far.clock, carrier)\n'),
  ],
  'a-failed-way-loses-the-last-value': [replace('links/link.ts', 'if (reach.isReachable()) needs.onRerouted(link)')],
  'old-words-show-the-dead': [replace('links/liveness.ts', '      estrangedAt = count\n')],
  'a-cast-counts-as-heard-by-all': [
    replace(
      'links/casting.ts',
      'for (const link of ready) rest.delete(link)',
      'for (const link of served) rest.delete(link)',
    ),
  ],
  'words-for-several-are-said-to-each': [
    replace('links/casting.ts', "receiver.state = 'acknowledged'", "receiver.state = 'given'"),
  ],
  'messages-come-twice': [replace('message-order.ts', 'if (message.seq < due) return { order, ready: [] }')],
  'a-missing-message-is-not-waited-for': [
    replace('message-order.ts', '? GAP_WAIT_MS : KEPT_MS', '? ASK_AFTER_MS / 2 : ASK_AFTER_MS / 2'),
  ],
  'missing-messages-are-not-asked-for': [replace('message-order.ts', 'questions.push({ clientId, due: next.due })')],
  'a-document-is-not-compared-on-meeting': [
    replace('links/document-links.ts', 'greet: ask,', 'greet: () => undefined,'),
  ],
  'edits-are-lost-with-a-carrier': [
    replace('links/document-links.ts', 'if (isAhead(stateVector, doc))', 'if (false)'),
    replace('links/document-links.ts', 'lost: compareSoon', 'lost: () => undefined'),
  ],
  'edits-are-lost-with-their-writer': [
    replace('links/document-links.ts', 'lost: compareSoon', 'lost: () => undefined'),
    replace('links/link.ts', 'if (reach.isReachable()) needs.onReturned(link)'),
  ],
  'edits-are-lost-behind-a-goodbye': [replace('links/transport.ts', 'return documents?.parted()', 'return')],
  'what-went-through-a-neighbour-is-lost': [replace('links/neighbours.ts', 'wayBy(link, other)?.lose?.()', '')],
  'a-page-that-is-back-stays-away': [
    replace('membership.ts', 'loseAllPaths()\n    startTransport()', 'loseAllPaths()'),
  ],
  'a-page-that-is-back-keeps-its-former-ways': [
    replace('membership.ts', 'may come back, and hears nothing until then.\n    roster.loseAllPaths()', ''),
    replace('membership.ts', 'roster.loseAllPaths()\n    startTransport()', 'startTransport()'),
  ],
  'late-edits-of-the-dead-go-no-further': [
    replace('links/document-links.ts', '(isAnswer || !link.isReachable())', 'isAnswer'),
    replace('links/link.ts', 'if (reach.isReachable()) needs.onReturned(link)'),
  ],
  'a-goodbye-of-a-lower-clock-ends-nothing': [replace('links/far-ends.ts', "onEvidence({ kind: 'closed', path })")],
  'a-page-that-is-back-names-anew': [replace('links/far-ends.ts', 'known?.clientId ?? saidId', 'saidId')],
  'documents-are-not-compared-when-a-way-is-back': [
    replace('links/link.ts', 'if (reach.isReachable()) needs.onReturned(link)'),
  ],
  'a-timer-is-left-behind': [replace('links/mesh.ts', 'isStopped = true\n      cancelTick()', 'isStopped = true')],
  'a-data-channel-is-left-open': [replace('links/direct-carrier.ts', '    connection.close()\n')],
}
