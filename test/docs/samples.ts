/**
 * The samples of a Markdown text, and what their marks ask for. A mark is a comment on the lines before a sample:
 *
 *   <!-- run -->                    it is also run, and must end well; `wss://presence.example.org` is a real server then
 *   <!-- run until "text" -->       it is run until it has printed the text, then ended
 *   <!-- run, prints "text" -->     it must end well, and have printed the text
 *   <!-- given ⏎ code ⏎ -->         code that stands before the sample, unseen by readers
 *   <!-- unchecked: reason -->      neither compiled nor run
 *
 * Every `ts` sample is compiled; `sh` samples only run, where they are marked.
 */

export interface Sample {
  readonly language: 'ts' | 'sh'
  /** The line of its first line of code, from 1. */
  readonly line: number
  /** What is compiled and run: the given code, then the sample. */
  readonly code: string
  /** How many lines of the code are given ones. */
  readonly givenLines: number
  readonly isChecked: boolean
  readonly run: Run | undefined
}

export interface Run {
  readonly prints: string | undefined
  /** Whether it is ended as soon as it has printed that, because it would not end by itself. */
  readonly isEnded: boolean
}

const BLOCK = /((?:^<!--(?:(?!-->)[\s\S])*-->\s*?\n)*)^```(\w+)[^\n]*\n([\s\S]*?)^```$/gm
const RUN = /<!-- run(?:(?:,? (prints|until)) "([^"]*)")? -->/
const GIVEN = /<!-- given\n([\s\S]*?)-->/
const UNCHECKED = /<!-- unchecked: \S/
const KNOWN = [RUN, GIVEN, UNCHECKED, /<!-- \/?bench/]

/** Every `ts` and `sh` sample. Throws on a mark that is none, so that a misspelt one does not skip a sample. */
export function samplesOf(markdown: string): Sample[] {
  const samples: Sample[] = []
  for (const match of markdown.matchAll(BLOCK)) {
    const [, marks = '', language = '', text = ''] = match
    if (language !== 'ts' && language !== 'sh') continue
    const line = markdown.slice(0, match.index + match[0].indexOf('```')).split('\n').length + 1
    for (const mark of marks.match(/<!--[\s\S]*?-->/g) ?? []) {
      if (!KNOWN.some((known) => known.test(mark))) throw new Error(`Line ${line}: no such mark: ${mark}`)
    }
    const given = GIVEN.exec(marks)?.[1] ?? ''
    samples.push({
      language,
      line,
      code: given + text,
      givenLines: given.split('\n').length - 1,
      isChecked: !UNCHECKED.test(marks),
      run: runOf(marks),
    })
  }
  return samples
}

function runOf(marks: string): Run | undefined {
  const match = RUN.exec(marks)
  return match === null ? undefined : { prints: match[2], isEnded: match[1] === 'until' }
}
