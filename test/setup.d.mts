/** The types of setup.mjs, which is plain JavaScript because nothing is installed when it runs first. */
export const root: string
export function isInstalled(folder?: string): boolean
export function ensureInstalled(): void
export function ensureChromium(): Promise<boolean>
