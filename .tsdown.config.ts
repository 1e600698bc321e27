/** How the package is built: ES modules and CommonJS with their types; every dependency stays outside. */
import { defineConfig, type UserConfig } from 'tsdown'

const shared: UserConfig = {
  outDir: 'dist',
  target: 'es2022',
  platform: 'neutral',
  // test/build.mjs empties the folder; two formats that clean would race.
  clean: false,
  fixedExtension: true,
  deps: { neverBundle: [/^node:/] },
  logLevel: 'warn',
  checks: { pluginTimings: false },
}

const library = {
  index: 'lib/index.ts',
  'signaling-server': 'signaling-server/index.ts',
  testing: 'lib/testing/index.ts',
}

/**
 * In CommonJS an `import()` becomes a `require` that is wrapped in a new namespace each time; an `import()` gives the same
 * one each time, and the library tells instances of y-webrtc apart by it. So the wrap goes: named exports need none.
 */
const sameNamespace = {
  name: 'same-namespace',
  renderChunk: (code: string) =>
    code.replaceAll(
      /(Promise\.resolve\(\)\.then\(\(\) => )\/\* @__PURE__ \*\/ [\w.]*__toESM\((require\("[^"]+"\)), 1\)/g,
      '$1$2',
    ),
}

export default defineConfig([
  { ...shared, format: 'esm', dts: true, entry: { ...library, main: 'signaling-server/main.ts' } },
  {
    ...shared,
    format: 'cjs',
    dts: true,
    entry: library,
    plugins: [sameNamespace],
    outputOptions: (options) => ({
      ...options,
      exports: 'named',
      // [H5] A kept `import('y-webrtc')` would load the ES module of yjs beside the CommonJS one: two Yjs in a process.
      dynamicImportInCjs: false,
    }),
  },
])
