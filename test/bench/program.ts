/** The member program as one plain file, so that dozens of processes start without compiling it each. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { root } from '../steps.ts'

const FOLDER = join(root, '.cache/bench')

/** Bundles what is ours and leaves packages where they are; resolves with the file's path. */
export async function buildMemberProgram(): Promise<string> {
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    publicDir: false,
    build: {
      ssr: fileURLToPath(new URL('./member-program.ts', import.meta.url)),
      outDir: FOLDER,
      emptyOutDir: true,
      target: 'node20',
      rollupOptions: { output: { entryFileNames: 'member-program.mjs', chunkFileNames: '[name]-[hash].mjs' } },
    },
  })
  return join(FOLDER, 'member-program.mjs')
}
