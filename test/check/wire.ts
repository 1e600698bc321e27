/** The page of the wire shows every shape as its source has it. Knows where shapes stand in a file, not what they mean. */
import { isTypeScript, type Problem, type Sources } from './source.ts'

const PAGE = 'lib/wire/README.md'
/** The comment at the head of a file, and in it the lines of a shape: set in by three spaces. */
const HEAD = /^\/\*\*\n(?: \*.*\n)*? \*\//
const SHAPE = /^ \* {3}(.*)$/
const IS_SHAPE = /\S += /

/** Shapes that the page lacks or has otherwise, and blocks of the page that no source has. */
export function checkWirePage(sources: Sources): Problem[] {
  const blocks = [...(sources.get(PAGE) ?? '').matchAll(/```text\n([\s\S]*?)```/g)].map(([, text = '']) =>
    text.trimEnd(),
  )
  const shapes = new Map(
    [...sources]
      .filter(([file]) => file.startsWith('lib/') && isTypeScript(file))
      .map(([file, text]) => [file, shapeOf(text)] as const),
  )
  const missing = [...shapes].flatMap(([file, shape]): Problem[] =>
    shape === undefined || blocks.includes(shape) ? [] : [{ file, text: `its shapes do not stand so in ${PAGE}` }],
  )
  const strange = blocks
    .filter((block) => ![...shapes.values()].includes(block))
    .map(
      (block): Problem => ({ file: PAGE, text: `no source has the shapes that begin with: ${block.split('\n')[0]}` }),
    )
  return [...missing, ...strange]
}

/** The shapes that a file states at its head, as one text; undefined where there is none. */
export function shapeOf(text: string): string | undefined {
  const lines = (HEAD.exec(text)?.[0] ?? '').split('\n')
  const first = lines.findIndex((line) => SHAPE.test(line))
  const last = lines.findLastIndex((line) => SHAPE.test(line))
  const shape = lines.slice(first, last + 1).map((line) => SHAPE.exec(line)?.[1] ?? '')
  return first >= 0 && IS_SHAPE.test(shape.join('\n')) ? shape.join('\n').trimEnd() : undefined
}
