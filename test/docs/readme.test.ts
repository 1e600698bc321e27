/** The README is true: its samples compile and run, its numbers are the measured ones. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSignalingServer, type SignalingServer } from '../../signaling-server/index.ts'
import { root } from '../setup.mjs'
import { countMarked, wrongNumbers } from './numbers.ts'
import { compileSamples, runSample } from './sample-runner.ts'
import { samplesOf } from './samples.ts'

/** Written by `npm run bench`, checked in. */
const MEASURED = join(root, 'test/bench/measured.json')
const README = join(root, 'README.md')

const text = existsSync(README) ? readFileSync(README, 'utf8') : ''
const samples = samplesOf(text)
const compiled = samples.filter(({ language, isChecked }) => language === 'ts' && isChecked)
const run = samples.flatMap((sample) =>
  sample.run === undefined ? [] : [{ sample, run: sample.run, line: sample.line }],
)

describe.skipIf(text === '')('README.md', () => {
  let server: SignalingServer
  beforeAll(async () => {
    server = createSignalingServer({ port: 0 })
    await server.ready
  })
  afterAll(() => server?.close())

  it('[H9] has samples, and every one compiles', () => {
    expect(compiled.length).toBeGreaterThan(0)
    expect(compileSamples(compiled)).toEqual([])
  })

  it('[H9] has samples that run', () => {
    expect(run.length).toBeGreaterThan(0)
  })

  it.each(run)('[H9] the sample on line $line runs', async ({ sample, run: how }) => {
    expect(await runSample(sample, how, server.url)).toBeUndefined()
  })

  it('[H16] its numbers are the measured ones', () => {
    const measured = existsSync(MEASURED) ? JSON.parse(readFileSync(MEASURED, 'utf8')) : {}
    expect(countMarked(text)).toBeGreaterThan(0)
    expect(wrongNumbers(text, measured)).toEqual([])
  })
})
