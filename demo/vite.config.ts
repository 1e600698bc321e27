/** How the demo page is built: one page, its own files only, so that its content security policy can be strict. */
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  root: here('.'),
  base: './',
  resolve: { alias: [{ find: /^copresence$/, replacement: here('../lib/index.ts') }] },
  build: {
    outDir: here('../dist/demo'),
    emptyOutDir: true,
    // The policy allows no data: address, and no inline script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
})
