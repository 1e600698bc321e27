/** The address of the page, the way to the server, and the ways to others. */
import { expect, it } from 'vitest'
import { nextConnection, PATIENCE_MS, sayConnection, sayConsequence, startConnection } from '../../demo/connection.ts'
import { type Inspection, readReach } from '../../demo/reach.ts'
import { isCut, isThisMachineOnly, linkToRoom, moveToRoom, newPrivateRoom, readAddress } from '../../demo/room.ts'

type Server = Inspection['servers'][number]['state']
type Paths = Inspection['members'][number]['paths']

const servers = (...states: Server[]): Inspection => ({
  members: [],
  servers: states.map((state) => ({ url: 'ws://127.0.0.1:4444', state })),
  rejects: {},
})
const BOTH = { hasWebrtc: true, hasServers: true }

it('[D1] an address without a room is the lobby, and the switches are read from it', () => {
  expect(readAddress('http://here/')).toEqual({ room: 'lobby', ...BOTH })
  expect(readAddress('http://here/?room=')).toMatchObject({ room: 'lobby' })
  expect(readAddress('http://here/?room=a%20b&webrtc=off&servers=off')).toEqual({
    room: 'a b',
    hasWebrtc: false,
    hasServers: false,
  })
})

it('[D10] the share link carries the room and its secret alone; moving to another room oneself keeps the switches', () => {
  const href = 'http://here/demo/?room=x&webrtc=off#secret=of+x'
  const open = { room: 'a & b' }
  const locked = { room: 'a & b', secret: 's & t' }
  expect(linkToRoom(href, open)).toBe('http://here/demo/?room=a+%26+b')
  expect(linkToRoom(href, locked)).toBe('http://here/demo/?room=a+%26+b&private=#secret=s+%26+t')
  expect(readAddress(linkToRoom(href, open))).toEqual({ ...open, ...BOTH })
  expect(readAddress(linkToRoom(href, locked))).toEqual({ ...locked, ...BOTH })
  expect(readAddress(moveToRoom(href, { room: 'y' }))).toEqual({ room: 'y', hasWebrtc: false, hasServers: true })
  expect(readAddress(moveToRoom(href, locked))).toMatchObject({ ...locked, hasWebrtc: false })
  expect(linkToRoom(moveToRoom(href, locked), open)).toBe('http://here/demo/?room=a+%26+b')
})

it('[D15] a secret is read from the fragment, an empty one is none, and an endless one is cut', () => {
  expect(readAddress('http://here/#secret=abc').secret).toBe('abc')
  expect(readAddress('http://here/#secret=')).not.toHaveProperty('secret')
  expect(readAddress('http://here/?secret=abc')).not.toHaveProperty('secret')
  expect(readAddress(`http://here/#secret=${'x'.repeat(5_000)}`).secret).toHaveLength(1_024)
})

it('[D15] a private link that lost its secret, whole or in part, is known as such', () => {
  const link = linkToRoom('http://here/', newPrivateRoom())
  expect(isCut(readAddress(link))).toBe(false)
  for (let end = link.indexOf('#'); end < link.length; end++)
    expect(isCut(readAddress(link.slice(0, end))), link.slice(0, end)).toBe(true)
  expect(isCut(readAddress('http://here/?room=attic'))).toBe(false)
})

it('[D10] a link that leads nowhere on another machine is known as such', () => {
  expect(['http://localhost:4444/', 'http://127.0.0.1/', 'http://[::1]:1/'].map(isThisMachineOnly)).toEqual([
    true,
    true,
    true,
  ])
  expect(['http://192.168.1.2:4444/', 'https://localhost.example.org/'].map(isThisMachineOnly)).toEqual([false, false])
})

it('[D15] each private room has a secret of its own, and a name the library takes', () => {
  const rooms = Array.from({ length: 200 }, newPrivateRoom)
  expect(new Set(rooms.map(({ secret }) => secret)).size).toBe(200)
  for (const { room, secret } of rooms) {
    expect(room).toMatch(/^[a-z]{4,10}-[a-z2-9]{4}$/)
    expect(secret).toMatch(/^[\w-]{22}$/)
  }
})

it('[D6] a first attempt is connecting for a while, then the server is away; an open one is online', () => {
  const start = startConnection(1_000, true)
  expect(nextConnection(start, servers(), 1_000).state).toBe('connecting')
  expect(nextConnection(start, servers('closed'), 1_000 + PATIENCE_MS - 1).state).toBe('connecting')
  expect(nextConnection(start, servers('connecting'), 1_000 + PATIENCE_MS).state).toBe('offline')
  expect(nextConnection(start, servers('closed', 'open'), 1_000).state).toBe('online')
})

it('[D6] a server that was there and went is away at once, and may come back', () => {
  const online = nextConnection(startConnection(0, true), servers('open'), 1)
  const away = nextConnection(online, servers('connecting'), 2)
  expect(away.state).toBe('offline')
  expect(nextConnection(away, servers('open'), 3).state).toBe('online')
})

it('[D6] each state has its words, and being away says what it means', () => {
  expect(sayConnection('connecting', BOTH)).toMatch(/connecting/i)
  expect(sayConnection('online', BOTH)).toBe('Connected')
  expect(sayConnection('online', { ...BOTH, hasWebrtc: false })).toMatch(/relay only/)
  expect(sayConnection('offline', BOTH)).toMatch(/away/)
  expect(startConnection(0, false).state).toBe('offline')
  expect(sayConnection('offline', { ...BOTH, hasServers: false })).toMatch(/tabs of this browser only/)
  expect(sayConsequence('online', BOTH, 1)).toBe('')
  expect(sayConsequence('offline', BOTH, 0)).toMatch(/goes on/)
  expect(sayConsequence('offline', BOTH, 1)).toMatch(/goes on with whom it reaches directly/)
})

it.each<[Paths, string]>([
  [['direct'], 'direct'],
  [['relay'], 'relay'],
  [['relay', 'direct'], 'direct'],
  [['via'], 'via'],
  [['relay', 'direct', 'tab'], 'tab'],
  [[], 'none'],
])('[D7] a member with the ways %j is reached by: %s', (paths, reach) => {
  const inspection = { ...servers('open'), members: [{ connectionId: 'bob', paths }] }
  expect(readReach(inspection, 'alice').get('bob')).toBe(reach)
  expect(readReach(inspection, 'bob').get('bob')).toBe('self')
})
