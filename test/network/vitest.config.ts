/** Networks that the test makes itself: a command of its own, since it needs rights that `npm test` does not ask for. */
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const MINUTE_MS = 60_000

export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    name: 'network',
    include: ['test/network/**/*.network.ts'],
    fileParallelism: false,
    testTimeout: 2 * MINUTE_MS,
    hookTimeout: 2 * MINUTE_MS,
  },
})
