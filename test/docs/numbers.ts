/**
 * Numbers of a Markdown text that were measured: each is followed by its mark, `15<!-- bench: messages.16.ours -->`, and must
 * be the value at that place of the checked-in measurement, rounded to the digits that are shown.
 */

const MARKED = /(?:([\d,]+(?:\.\d+)?)[^\d\n]{0,12})?<!-- bench: ([\w.-]+) -->/g

/** What is wrong with the marked numbers, one line each. */
export function wrongNumbers(markdown: string, measured: unknown): string[] {
  const wrong: string[] = []
  for (const { index, 1: shown, 2: place = '' } of markdown.matchAll(MARKED)) {
    const line = markdown.slice(0, index).split('\n').length
    const value = at(measured, place)
    if (shown === undefined) wrong.push(`line ${line}: ${place} stands after no number`)
    else if (typeof value !== 'number') wrong.push(`line ${line}: ${place} was not measured`)
    else if (value.toFixed(decimalsOf(shown)) !== shown.replaceAll(',', '')) {
      wrong.push(`line ${line}: ${place} is ${value}, the text says ${shown}`)
    }
  }
  return wrong
}

export const countMarked = (markdown: string): number => [...markdown.matchAll(MARKED)].length

function decimalsOf(shown: string): number {
  return shown.split('.')[1]?.length ?? 0
}

function at(measured: unknown, place: string): unknown {
  return place
    .split('.')
    .reduce<unknown>(
      (value, key) => (value !== null && typeof value === 'object' ? Reflect.get(value, key) : undefined),
      measured,
    )
}
