/**
 * Schedules that once broke an invariant, and what was wrong. They run in every test command, for good. A change of what a
 * seed draws makes them other schedules: then they are still as good as any.
 */
export const FAILED_ONCE: Readonly<Record<number, string>> = {
  76: 'an answer to a question for messages was 44 s late, and told them again',
  79: 'what went by a dead server was not said anew, since something else had gone by another',
  210: 'an entry overtook the answer to the hello by another server',
  284: 'a sleeper judged by the time that it had slept',
  371: 'a way that only led to us was used on and on',
  615: 'both ends asked, each by a server of its own',
  672: 'an entry came before its keys, by a server that keeps no order',
  828: 'the judge took the first word of a membership that was killed at once for one of the membership before',
  1241: 'hellos went by a member who swallowed them',
  1697: 'two on one server forgot each other for good',
  1757: 'a request for a hello that came too soon was dropped',
  1873: 'the words of a dead member came out of a way that had healed',
  1980: 'a sleeper judged by a hold of which it had slept nearly all',
}

/** The schedule that found a planted bug last: see planted.test.ts, which tells where another does. */
export const FOUND_BY: Readonly<Record<string, number>> = {
  'an-older-value-is-taken': 1757,
  'goodbyes-are-not-said': 76,
  'others-may-write-an-entry': 132,
  'a-client-id-is-believed': 1241,
  'a-goodbye-overtakes-the-last-words': 79,
  'early-words-are-not-asked-for': 672,
  'a-gap-of-nine-seconds-is-a-leave': 79,
  'silence-is-of-the-system-clock': 1757,
  'a-sleeper-judges-by-its-sleep': 65,
  'a-return-after-a-leave-is-refused': 76,
  'a-closed-way-is-the-end-at-once': 828,
  'silence-is-never-told': 76,
  'the-end-of-a-server-is-that-of-its-members': 371,
  'the-unproved-keep-others-out': 129,
  'a-failed-way-loses-the-last-value': 137,
  'a-document-that-came-back-is-stale': 84,
  'a-cast-counts-as-heard-by-all': 284,
  'messages-come-twice': 76,
  'a-server-is-believed': 96,
  'nobody-needs-the-secret': 15,
  'missing-messages-are-not-asked-for': 48,
  'a-document-is-not-compared-on-meeting': 4,
  'a-data-channel-is-left-open': 76,
  'words-for-several-are-said-to-each': 10,
  'a-missing-message-is-not-waited-for': 48,
}
