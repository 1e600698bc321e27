/** Colours of people: a palette, a check for what came from elsewhere, and the ink that is readable on them. */

/** Distinct, seen on light and dark paper, and each carries white ink. */
export const PALETTE = [
  '#c9423f',
  '#b5500b',
  '#8f6800',
  '#437a25',
  '#12756a',
  '#2371b3',
  '#4f5fd6',
  '#8a4fd0',
  '#c2418f',
] as const

const HEX_COLOR = /^#[0-9a-f]{6}$/i

export const isColor = (value: unknown): value is string => typeof value === 'string' && HEX_COLOR.test(value)

/** The same colour for the same text, for people who chose none. */
export function colorOf(text: string): string {
  let sum = 0
  for (const character of text) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) >>> 0
  return PALETTE[sum % PALETTE.length] ?? PALETTE[0]
}

/**
 * The colour to change to where somebody who was here `earlier` has `own` too; undefined where all is well, where the
 * colour was picked by hand and is none of the palette, or where none is left.
 */
export function freeColor(own: string, earlier: readonly string[], all: readonly string[]): string | undefined {
  if (!PALETTE.some((color) => color === own) || !earlier.includes(own)) return undefined
  return PALETTE.find((color) => !all.includes(color))
}

/** Relative luminance, 0 to 1 (WCAG 2.2, "relative luminance"). */
function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((start) => {
    const share = Number.parseInt(color.slice(start, start + 2), 16) / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/** Luminance at which black and white ink have the same contrast: sqrt(1.05 * 0.05) - 0.05. */
const INK_TURNS_DARK = 0.179

/** Near-black or white, whichever has more contrast on `color`. */
export const inkOn = (color: string): string => (luminance(color) > INK_TURNS_DARK ? '#111111' : '#ffffff')
