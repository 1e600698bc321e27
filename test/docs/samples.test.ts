/** The runner of the samples sees what is wrong with a planted text. */
import { expect, it } from 'vitest'
import { countMarked, wrongNumbers } from './numbers.ts'
import { compileSamples, runSample } from './sample-runner.ts'
import { type Sample, samplesOf } from './samples.ts'

const NO_SERVER = 'ws://127.0.0.1:1'
const FENCE = '```'

const block = (language: string, code: string, ...marks: string[]): string =>
  [...marks, `${FENCE}${language}`, code, FENCE, ''].join('\n')

async function problemOf(text: string): Promise<string | undefined> {
  const [sample] = samplesOf(text)
  if (sample?.run === undefined) throw new Error('the text has no sample to run')
  return runSample(sample, sample.run, NO_SERVER)
}

const checked = (text: string): Sample[] => samplesOf(text).filter((sample) => sample.isChecked)

it('[H9] samples are found with their marks and lines, other languages are not', () => {
  const text = [
    '# Title',
    block('ts', 'const a = 1', '<!-- run, prints "1" -->', '<!-- given', 'const b = 2', '-->'),
    block('js', 'nothing()'),
    '<!-- a comment of the text -->\nIts text.\n',
    block('sh', 'npx copresence serve', '<!-- run until "listens" -->'),
    block('ts', 'class A', '<!-- unchecked: a list of verbs -->'),
  ].join('\n')
  expect(samplesOf(text)).toEqual([
    {
      language: 'ts',
      line: 7,
      code: 'const b = 2\nconst a = 1\n',
      givenLines: 1,
      isChecked: true,
      run: { prints: '1', isEnded: false },
    },
    {
      language: 'sh',
      line: 19,
      code: 'npx copresence serve\n',
      givenLines: 0,
      isChecked: true,
      run: { prints: 'listens', isEnded: true },
    },
    { language: 'ts', line: 24, code: 'class A\n', givenLines: 0, isChecked: false, run: undefined },
  ])
})

it('[H9] a misspelt mark is refused', () => {
  expect(() => samplesOf(block('ts', 'const a = 1', '<!-- runs -->'))).toThrow('no such mark: <!-- runs -->')
  expect(() => samplesOf(block('ts', 'const a = 1', '<!-- unchecked -->'))).toThrow('no such mark')
})

it('[H9] a sample that does not compile is told with its line, one that does is not', () => {
  const good = block('ts', "import { Realtime } from 'copresence'\nnew Realtime({ servers: [] })")
  const bad = block('ts', 'new Realtime({\n  servers: 1,\n})', "<!-- given\nimport { Realtime } from 'copresence'\n-->")
  const text = `${good}\n${bad}`
  expect(compileSamples(checked(text))).toEqual([expect.stringMatching(/^line 11: .*not assignable/)])
})

it('[H9] a sample that runs is run against the package', async () => {
  const code = `import { Realtime } from 'copresence'
    const realtime = new Realtime({ servers: [] })
    const channel = await realtime.connect('room')
    const count: number = channel.participant.getAll().length
    console.log('here:', count)
    await realtime.destroy()`
  expect(await problemOf(block('ts', code, '<!-- run, prints "here: 1" -->'))).toBeUndefined()
  expect(await problemOf(block('ts', code, '<!-- run, prints "here: 2" -->'))).toContain('did not print "here: 2"')
})

it('[H9] a sample that throws, or a command that fails, is told', async () => {
  expect(await problemOf(block('ts', "throw new Error('no')", '<!-- run -->'))).toContain('ended with 1')
  expect(await problemOf(block('sh', 'npx copresence nothing', '<!-- run -->'))).toContain('ended with 2')
})

it('[H9] a command that would not end is ended once it has printed its text', async () => {
  const serve = 'npx copresence serve --port 0'
  expect(await problemOf(block('sh', serve, '<!-- run until "listens on ws://127.0.0.1:" -->'))).toBeUndefined()
})

it('[H16] a number must be the measured one, to the digits that it shows', () => {
  const measured = { messages: { 16: { ours: 15 } }, bytes: 20_812.4, ratio: 2.449 }
  const right = '15<!-- bench: messages.16.ours -->, 20,812 B<!-- bench: bytes -->, 2.4×<!-- bench: ratio -->'
  expect(countMarked(right)).toBe(3)
  expect(wrongNumbers(right, measured)).toEqual([])
  const wrong =
    '\n16<!-- bench: messages.16.ours -->\n2.5<!-- bench: ratio -->\n7<!-- bench: x -->\n<!-- bench: bytes -->'
  expect(wrongNumbers(wrong, measured)).toEqual([
    'line 2: messages.16.ours is 15, the text says 16',
    'line 3: ratio is 2.449, the text says 2.5',
    'line 4: x was not measured',
    'line 5: bytes stands after no number',
  ])
})
