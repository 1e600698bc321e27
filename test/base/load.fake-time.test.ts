/** Parts of the library that cannot be loaded at first. */
import { expect, it } from 'vitest'
import { load } from '../../lib/base/load.ts'
import { advance } from '../kit/fake-time.ts'

it('[R17] a part that cannot be loaded is tried again every 5 s, and nothing is rejected meanwhile', async () => {
  let tries = 0
  const part = load(async () => {
    tries += 1
    if (tries < 4) throw new TypeError('Failed to fetch dynamically imported module')
    return 'the part'
  })
  await advance(14_900)
  expect(tries).toBe(3)
  await advance(200)
  expect(tries).toBe(4)
  expect(await part).toBe('the part')
})
