/** Cryptography as an argument: what identity needs of it. The real one is system-crypto.ts; a simulator passes its own. */

/** Bytes of a signer's public key (Ed25519). */
export const PUBLIC_KEY_BYTES = 32
/** Bytes of a signature (Ed25519). */
export const SIGNATURE_BYTES = 64
/** Bytes of an agreement's public key: a point of P-256, uncompressed. */
export const AGREEMENT_KEY_BYTES = 65
/** Bytes of every symmetric key, digest and agreed value. */
export const KEY_BYTES = 32
/** Bytes that a seal adds to its plaintext: the tag of AES-GCM. */
export const SEAL_OVERHEAD_BYTES = 16

export interface Signer {
  /** 32 bytes; nobody changes them. */
  readonly publicKey: Uint8Array
  /** 64 bytes over `message`. */
  sign(message: Uint8Array): Promise<Uint8Array>
}

/** Our half of one key agreement: used for one hello and then dropped. */
export interface Agreement {
  /** 65 bytes; nobody changes them. */
  readonly publicKey: Uint8Array
  /** The 32 bytes that both halves arrive at; undefined where `theirs` is no such key. */
  agree(theirs: Uint8Array): Promise<Uint8Array | undefined>
}

/** Encrypts and authenticates under one key. A counter is sealed under at most once. */
export interface Seal {
  /** 16 bytes longer than the plaintext. `counter` is 0 to 2^48. */
  seal(counter: number, plaintext: Uint8Array, aad: Uint8Array): Promise<Uint8Array>
  /** The plaintext; undefined where anything is not as it was sealed. */
  open(counter: number, sealed: Uint8Array, aad: Uint8Array): Promise<Uint8Array | undefined>
}

/** No member throws or rejects over bytes that came from the network. */
export interface Crypto {
  /** A fresh key pair; synchronous, since a connectionId is. */
  createSigner(): Signer
  verify(publicKey: Uint8Array, signature: Uint8Array, message: Uint8Array): Promise<boolean>
  createAgreement(): Promise<Agreement>
  sha256(bytes: Uint8Array): Uint8Array
  hmac(key: Uint8Array, bytes: Uint8Array): Uint8Array
  /** HKDF (RFC 5869): `length` bytes, at most 8160. */
  hkdf(input: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array
  createSeal(key: Uint8Array): Seal
  /** 32 bytes of a password, slowly: for secrets that people thought up. */
  stretch(password: Uint8Array, salt: Uint8Array): Promise<Uint8Array>
  randomBytes(length: number): Uint8Array
}
