/**
 * The corpus: what a member gone bad says. Each attack is tried against members in the middle of all the other trouble, and
 * honest views must be what they were without it (F24). Knows the names, and nothing of what should come of them.
 */
import type { Attack } from './attack-words.ts'
import { ATTACKS_ON_ENTRIES } from './attacks-on-entries.ts'
import { ATTACKS_ON_LINKS } from './attacks-on-links.ts'

/** By name; the run counts which of them were tried. */
export const ATTACKS: Readonly<Record<string, Attack>> = { ...ATTACKS_ON_ENTRIES, ...ATTACKS_ON_LINKS }
