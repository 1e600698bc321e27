/** Runs once before the tests of the package: builds where a source changed, packs, and unpacks for the consumers. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, renameSync, rmSync } from 'node:fs'
import build from '../kit/built.setup.ts'
import { consumer, tarball, unpacked } from './packed.ts'

export default function setup(): void {
  build()
  rmSync(consumer, { recursive: true, force: true })
  mkdirSync(unpacked, { recursive: true })
  const packed = execFileSync('npm', ['pack', '--json', '--pack-destination', consumer], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }]
  renameSync(`${consumer}${filename}`, tarball)
  execFileSync('tar', ['-xzf', tarball, '-C', unpacked, '--strip-components', '1'])
}
