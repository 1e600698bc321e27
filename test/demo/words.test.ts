/** The sentences of the demo. */
import { expect, it } from 'vitest'
import type { Person } from '../../demo/person.ts'
import { sayAlone, sayChanges, sayCompany, sayJoined, sayLeft, sayTyping } from '../../demo/words.ts'

const person = (name: string, more: Partial<Person> = {}): Person => ({
  connectionId: name.toLowerCase(),
  isSelf: false,
  isIntroduced: true,
  name,
  color: '#2371b3',
  status: 'online',
  cursor: null,
  isTyping: false,
  ...more,
})
const alice = person('Alice', { isSelf: true })
const bob = person('Bob')
const carol = person('Carol')

it('[D12] arriving and leaving are told in words', () => {
  expect([sayJoined(alice), sayJoined(bob), sayLeft(bob)]).toEqual(['You are here', 'Bob is here', 'Bob left'])
})

it('[D12] a change of name or status is one line each', () => {
  const changed = person('Rob', { status: 'busy', color: '#000000' })
  expect(sayChanges(bob, changed)).toEqual(['Bob is now called Rob', 'Rob is busy'])
  expect(sayChanges(alice, { ...alice, status: 'away' })).toEqual(['You are away'])
})

it('[D12] a moving cursor, typing and the first data of a newcomer are no lines', () => {
  expect(sayChanges(bob, person('Bob', { cursor: { x: 0, y: 0 }, isTyping: true }))).toEqual([])
  expect(sayChanges(person('guest', { isIntroduced: false }), bob)).toEqual([])
})

it('[D8] the typing line names one or two, counts more, and leaves oneself out', () => {
  const typing = (some: Person): Person => ({ ...some, isTyping: true })
  expect(sayTyping([typing(alice), bob])).toBe('')
  expect(sayTyping([alice, typing(bob)])).toBe('Bob is typing…')
  expect(sayTyping([typing(alice), typing(bob), typing(carol)])).toBe('Bob and Carol are typing…')
  expect(sayTyping([typing(bob), typing(carol), typing(person('Dan'))])).toBe('3 people are typing…')
})

it('[D6] the middle of the page names the company', () => {
  expect(sayCompany([alice])).toBe('')
  expect(sayCompany([alice, bob])).toBe('You and Bob')
  expect(sayCompany([alice, bob, carol])).toBe('You, Bob and Carol')
  expect(sayCompany([alice, bob, carol, person('Dan')])).toBe('You, Bob and 2 others')
})

it('[D6] whoever is alone is promised nothing that the way to the server does not keep', () => {
  const withServer = { hasServers: true, hasWebrtc: true }
  expect(sayAlone('connecting', false, withServer).title).toBe('Looking who is here…')
  expect(sayAlone('online', false, withServer)).toEqual({
    title: 'Nobody else is here yet.',
    text: 'Share this link. Whoever opens it is here with you.',
  })
  expect(sayAlone('online', true, withServer).title).toBe('Nobody else is here now.')
  expect(sayAlone('offline', true, withServer).text).toBe('The link works again when the server is back.')
  expect(sayAlone('offline', false, { ...withServer, hasServers: false }).text).toMatch(/another tab/)
  expect(sayAlone('online', false, withServer, true).text).toMatch(/ask for the link again/)
})
