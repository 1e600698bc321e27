/** What the library weighs in a page: minified, gzipped, yjs and every dependency included. */
import { expect, it } from 'vitest'
import { FALLBACKS, weigh, yjsTransportOf } from '../kit/weight.ts'
import { consumer } from './packed.ts'

/** kB of 1000 bytes; just above what was measured when the limits were set. What they were raised for stands in DECISIONS. */
const MAX_IMPORTED_KB = 73.9
const MAX_YJS_TRANSPORT_KB = 46

it('[H17] the library stays within its weight, at import and with the Yjs transport', async () => {
  const program = "import { Realtime } from 'copresence'\nglobalThis.realtime = new Realtime()"
  const weight = await weigh(consumer, program)
  const { atImport, later } = weight
  const yjsTransport = yjsTransportOf(weight)
  console.log(`copresence in a page: ${atImport} kB, and ${yjsTransport} kB more for the Yjs transport`)
  expect(Object.keys(later)).toEqual(expect.arrayContaining([...FALLBACKS]))
  expect(atImport).toBeGreaterThan(19)
  expect(yjsTransport).toBeGreaterThan(19)
  expect(atImport).toBeLessThanOrEqual(MAX_IMPORTED_KB)
  expect(yjsTransport).toBeLessThanOrEqual(MAX_YJS_TRANSPORT_KB)
})
