/** Prints tables, and keeps what was measured in `measured.json`, which the README quotes. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'

const MEASURED = fileURLToPath(new URL('./measured.json', import.meta.url))
const LOCK = fileURLToPath(new URL('../../package-lock.json', import.meta.url))
const PACKAGES = ['yjs', 'y-protocols', 'y-webrtc', 'y-websocket', 'simple-peer', 'lib0', 'ws', '@roamhq/wrtc']

/** Replaces one section; the others stay as they were measured. `file`: what measures it, where that has another name. */
export function writeSection(name: string, values: object, file = name): void {
  const measured = existsSync(MEASURED) ? JSON.parse(readFileSync(MEASURED, 'utf8')) : {}
  measured[name] = { from: origin(file), ...values }
  const sections = Object.fromEntries(Object.entries(measured).sort(([a], [b]) => (a < b ? -1 : 1)))
  writeFileSync(MEASURED, `${JSON.stringify(sections, null, 2)}\n`)
}

function origin(file: string): object {
  const { packages } = JSON.parse(readFileSync(LOCK, 'utf8')) as {
    packages: Record<string, { version?: string } | undefined>
  }
  return {
    date: new Date().toISOString().slice(0, 10),
    command: `npx tsx test/bench/${file}.bench.ts`,
    node: process.version,
    platform: `${process.platform} ${process.arch}, ${cpus().length} cores`,
    packages: Object.fromEntries(PACKAGES.map((name) => [name, packages[`node_modules/${name}`]?.version])),
  }
}

export type Row = readonly (string | number)[]

export function printTable(title: string, head: Row, rows: readonly Row[]): void {
  const lines = [head, ...rows].map((row) => row.map((cell) => (typeof cell === 'number' ? shown(cell) : cell)))
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  console.log(`\n${title}\n`)
  for (const [index, line] of lines.entries()) {
    console.log(line.map((cell, column) => pad(cell, widths[column] ?? 0, column)).join('  '))
    if (index === 0) console.log(widths.map((width) => '─'.repeat(width)).join('  '))
  }
}

export const progress = (line: string): void => console.log(`  ${new Date().toISOString().slice(11, 19)}  ${line}`)

/** Whole, or with the digits that a small number needs. */
function shown(value: number): string {
  if (!Number.isFinite(value)) return '–'
  return Number.isInteger(value) || Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(1)
}

const pad = (cell: string, width: number, column: number): string =>
  column === 0 ? cell.padEnd(width) : cell.padStart(width)

export const rounded = (value: number, digits = 1): number => Number(value.toFixed(digits))

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]]
  if (low === undefined || high === undefined) throw new Error('A median of nothing.')
  return (low + high) / 2
}
