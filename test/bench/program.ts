/** Members and servers as plain files, so that dozens of processes start without compiling them each. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { root } from '../steps.ts'

const FOLDER = join(root, '.cache/bench')

export interface Programs {
  readonly member: string
  readonly server: string
}

let programs: Promise<Programs> | undefined

/** Bundles what is ours, once, and leaves packages where they are; resolves with the files' paths. */
export function buildPrograms(): Promise<Programs> {
  programs ??= bundle()
  return programs
}

async function bundle(): Promise<Programs> {
  const here = (file: string) => fileURLToPath(new URL(file, import.meta.url))
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    publicDir: false,
    build: {
      ssr: true,
      outDir: FOLDER,
      emptyOutDir: true,
      target: 'node20',
      rollupOptions: {
        input: { member: here('./member-program.ts'), server: here('./server-program.ts') },
        output: { entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' },
      },
    },
  })
  return { member: join(FOLDER, 'member.mjs'), server: join(FOLDER, 'server.mjs') }
}
