/**
 * Learns what is in sealed messages where this process seals and opens them: at the AES-GCM of its WebCrypto. A message is
 * known again by its last 16 bytes, the tag that the seal ends with, and no two seals end alike.
 */

const TAG_BYTES = 16

/** The same for a message and for the sealed text that it ends with. */
export const sealOf = (message: Uint8Array): string => Buffer.from(message.subarray(-TAG_BYTES)).toString('latin1')

export interface SealWatcher {
  /** What the message holds, if it was sealed or opened here. */
  plaintextOf(message: Uint8Array): Uint8Array | undefined
}

/** `onOpened`: something of others was opened here; called before the library has it. */
export function watchSeals(onOpened: (seal: string, plaintext: Uint8Array) => void): SealWatcher {
  const { subtle } = globalThis.crypto
  const plaintexts = new Map<string, Uint8Array>()
  const encrypt = subtle.encrypt.bind(subtle)
  const decrypt = subtle.decrypt.bind(subtle)

  subtle.encrypt = async (algorithm, key, data) => {
    const plaintext = bytesOf(data).slice()
    const sealed = await encrypt(algorithm, key, data)
    plaintexts.set(sealOf(new Uint8Array(sealed)), plaintext)
    return sealed
  }
  subtle.decrypt = async (algorithm, key, data) => {
    const seal = sealOf(bytesOf(data))
    const plaintext = await decrypt(algorithm, key, data)
    plaintexts.set(seal, new Uint8Array(plaintext).slice())
    onOpened(seal, new Uint8Array(plaintext))
    return plaintext
  }
  return { plaintextOf: (message) => plaintexts.get(sealOf(message)) }
}

const bytesOf = (data: BufferSource): Uint8Array =>
  ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data)
