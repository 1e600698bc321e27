import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { peerOptions } from '../../lib/yjs/providers.ts'
import { taggedRoom } from '../../lib/yjs/room-tag.ts'
import { createMember, freshRoom, startServer, untilMet, WEBRTC } from './kit.ts'

const iceServers = [{ urls: 'stun:stun.example.org' }]

describe('providers', () => {
  it('[Y26] WebRTC is what was injected, or what the platform has, or none', () => {
    expect(peerOptions({ webrtc: false, iceServers })).toBeUndefined()
    expect(peerOptions({ webrtc: undefined, iceServers })).toBeUndefined()
    expect(peerOptions({ webrtc: WEBRTC, iceServers })).toMatchObject({ config: { iceServers }, wrtc: WEBRTC })
    vi.stubGlobal('RTCPeerConnection', class {})
    onTestFinished(() => void vi.unstubAllGlobals())
    expect(peerOptions({ webrtc: undefined, iceServers })).toEqual({ config: { iceServers } })
    expect(peerOptions({ webrtc: false, iceServers })).toBeUndefined()
  })

  it('[Y26] with a secret and without WebCrypto, as on a plain-http page, there are no data channels', async () => {
    vi.stubGlobal('crypto', { getRandomValues: (bytes: Uint8Array) => bytes })
    onTestFinished(() => void vi.unstubAllGlobals())
    expect(peerOptions({ webrtc: WEBRTC, iceServers, secret: 'sesame' })).toBeUndefined()
    expect(peerOptions({ webrtc: WEBRTC, iceServers })).toBeDefined()
    vi.unstubAllGlobals()
    const { url } = await startServer()
    vi.stubGlobal('crypto', { getRandomValues: globalThis.crypto.getRandomValues.bind(globalThis.crypto) })
    const room = freshRoom()
    const members = [1, 2].map(() => createMember({ room, servers: [url], webrtc: WEBRTC, secret: 'sesame' }))
    for (const member of members) member.say('hello')
    await untilMet(members, 'relay')
  })

  it('[Y26] an implementation without the two description classes gets plain objects for them', () => {
    const options = peerOptions({ webrtc: { RTCPeerConnection: class {} }, iceServers })
    const wrtc = options?.wrtc as { RTCSessionDescription: new (init: object) => object } | undefined
    const init = { type: 'offer', sdp: '' }
    expect(wrtc && new wrtc.RTCSessionDescription(init)).toBe(init)
  })

  it('[Y26] a platform without WebRTC, and a y-webrtc that cannot be loaded, leave the relay', async () => {
    const { url } = await startServer()
    const room = freshRoom()
    const missing = () => Promise.reject(new Error('a chunk that is not there'))
    const members = [
      createMember({ room, servers: [url], webrtc: undefined }),
      createMember({ room, servers: [url], webrtc: WEBRTC, loadYWebrtc: missing }),
    ]
    for (const member of members) member.say('hello')
    await untilMet(members, 'relay')
  })

  it('[Y16] a room’s tag depends on the secret and the room, and shows neither', () => {
    const tagged = taggedRoom('app:room', 'sesame')
    expect(tagged).toMatch(/^app:room~[\w-]{43}$/)
    expect(taggedRoom('app:room', undefined)).toBe('app:room')
    expect(new Set([tagged, taggedRoom('app:room', 'other'), taggedRoom('app:room2', 'sesame')]).size).toBe(3)
    expect(tagged).not.toContain('sesame')
  })
})
