/** Which candidates go with a description, and which by themselves. */
import { expect, it } from 'vitest'
import { createGathering } from '../../lib/links/gathering.ts'
import { MAX_DESCRIPTION_BYTES } from '../../lib/wire/limits.ts'
import { createVirtualClock } from '../kit/virtual-clock.ts'

const GATHER_MS = 400
const SDP = 'v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\na=ice-ufrag:abcd\r\n'
const fieldsOf = (port: number): string => `candidate:7 1 udp 2122260223 192.0.2.1 ${port} typ host`
/** As browsers tell it, with more than its line in the description has. */
const candidateOf = (port: number) =>
  ({ candidate: `${fieldsOf(port)} generation 0 ufrag abcd network-cost 999`, sdpMid: '0' }) as RTCIceCandidate
const withPorts = (ports: readonly number[]): string =>
  SDP + ports.map((port) => `a=${fieldsOf(port)} generation 0 network-id 1\r\n`).join('')

function createOffer() {
  const clock = createVirtualClock()
  const descriptions: string[] = []
  const ports: number[] = []
  const signals: string[] = []
  let doneAtMs: number | undefined
  const gathering = createGathering({
    clock,
    sendDescription: (json) => descriptions.push((JSON.parse(json) as { sdp: string }).sdp),
    sendCandidates(json) {
      signals.push(json)
      for (const { candidate } of JSON.parse(json) as { candidate: string }[])
        ports.push(Number(candidate.split(' ')[5]))
    },
  })
  gathering.begin()
  void gathering.isDone().then(() => {
    doneAtMs = clock.moment().steadyMs
  })
  return { clock, gathering, descriptions, ports, signals, doneAtMs: () => doneAtMs }
}

it('[L48] a description waits until all candidates are found, and none of them goes by itself', async () => {
  for (const last of [null, { candidate: '' } as RTCIceCandidate]) {
    const { clock, gathering, descriptions, ports, doneAtMs } = createOffer()
    gathering.found(candidateOf(1))
    await clock.advance(50)
    gathering.found(candidateOf(2))
    await clock.advance(1)
    expect(doneAtMs()).toBeUndefined()
    gathering.found(last)
    await clock.advance(0)
    expect(doneAtMs()).toBe(51)
    gathering.say({ type: 'offer', sdp: withPorts([1, 2]) })
    expect([descriptions, ports]).toEqual([[withPorts([1, 2])], []])
    gathering.found(last)
    expect(ports).toEqual([])
    expect(clock.timerCount()).toBe(0)
  }
})

it('[L48] it waits for 400 ms at most, and what is found later goes together, 100 ms after the first of it', async () => {
  const { clock, gathering, descriptions, ports, signals, doneAtMs } = createOffer()
  gathering.found(candidateOf(1))
  await clock.advance(5_000)
  expect(doneAtMs()).toBe(GATHER_MS)
  gathering.say({ type: 'offer', sdp: withPorts([1]) })
  for (const port of [2, 3, 4]) {
    await clock.advance(30)
    gathering.found(candidateOf(port))
  }
  await clock.advance(39)
  expect([descriptions, ports]).toEqual([[withPorts([1])], []])
  await clock.advance(1)
  expect([ports, signals.length]).toEqual([[2, 3, 4], 1])
  // The last one has been found: nothing else is waited for.
  gathering.found(candidateOf(5))
  gathering.found(null)
  expect([ports, signals.length, clock.timerCount()]).toEqual([[2, 3, 4, 5], 2, 0])
})

it('[L48] where timers are slow a candidate that is found after the time is up ends the wait', async () => {
  const { clock, gathering, doneAtMs } = createOffer()
  clock.sleep(GATHER_MS + 50)
  gathering.found(candidateOf(1))
  await Promise.resolve()
  expect(doneAtMs()).toBe(GATHER_MS + 50)
})

it('[L48] candidates that were found and are not in the description go right behind it, together', () => {
  const { gathering, ports, signals } = createOffer()
  for (const port of [1, 2, 12]) gathering.found(candidateOf(port))
  gathering.say({ type: 'offer', sdp: withPorts([12]) })
  expect([ports, signals.length]).toEqual([[1, 2], 1])
})

it('[L48] a description that would be too large with its candidates goes without, and they behind it, 16 at a time', () => {
  const { gathering, descriptions, ports, signals } = createOffer()
  const many = Array.from({ length: 250 }, (_, index) => index + 1)
  for (const port of many) gathering.found(candidateOf(port))
  expect(withPorts(many).length).toBeGreaterThan(MAX_DESCRIPTION_BYTES)
  gathering.say({ type: 'offer', sdp: withPorts(many) })
  expect([descriptions, ports]).toEqual([[SDP], many])
  expect(signals.map((json) => (JSON.parse(json) as unknown[]).length)).toEqual([...Array<number>(15).fill(16), 10])
})

it('[L48] an end ends the wait', async () => {
  const { clock, gathering, doneAtMs, ports } = createOffer()
  gathering.stop()
  await clock.advance(0)
  expect([doneAtMs(), clock.timerCount()]).toEqual([0, 0])
  gathering.say({ type: 'offer', sdp: SDP })
  gathering.found(candidateOf(1))
  gathering.stop()
  await clock.advance(200)
  expect([ports, clock.timerCount()]).toEqual([[], 0])
})
