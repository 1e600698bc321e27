/** Runs once before tests that need the built package or demo page. */
import { spawnSync } from 'node:child_process'

export default function setup(): void {
  const { status } = spawnSync(process.execPath, ['test/build.mjs', '--if-changed'], { stdio: ['ignore', 2, 2] })
  if (status !== 0) throw new Error('The build failed; its message is above. Run `npm run build`.')
}
