/** The data channels of a process, so that a test can close one of them. Knows WebRTC and nothing of the library. */

/** What is used of RTCPeerConnection's constructor. */
export type Implementation = new (configuration?: RTCConfiguration) => RTCPeerConnection

export interface DataChannels {
  /** The same implementation, whose channels are known here. */
  track(implementation: Implementation): Implementation
  /** Of each open channel a name for this end and for the far one: at the far end they are the other way round. */
  names(): { readonly own: string; readonly far: string }[]
  /** Closes the one whose own end has that name. */
  close(name: string): void
}

/** The random user name of one end of ICE: no two are alike. */
const nameOf = (description: RTCSessionDescription | null): string =>
  /a=ice-ufrag:(\S+)/.exec(description?.sdp ?? '')?.[1] ?? ''

export function trackDataChannels(): DataChannels {
  const known: { readonly connection: RTCPeerConnection; readonly channel: RTCDataChannel }[] = []
  const open = () => known.filter(({ channel }) => channel.readyState === 'open')
  return {
    track: (implementation) =>
      class extends implementation {
        override createDataChannel(label: string, options?: RTCDataChannelInit): RTCDataChannel {
          const channel = super.createDataChannel(label, options)
          known.push({ connection: this, channel })
          return channel
        }
      },
    names: () =>
      open().map(({ connection }) => ({
        own: nameOf(connection.localDescription),
        far: nameOf(connection.remoteDescription),
      })),
    close(name) {
      for (const { connection, channel } of open()) if (nameOf(connection.localDescription) === name) channel.close()
    },
  }
}
