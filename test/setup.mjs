/**
 * Makes a fresh clone ready: the packages of the lock file, and a Chromium that starts. Quick and silent when nothing is
 * missing. Plain JavaScript without a package, since nothing is installed when it runs first; knows nothing of the build.
 *
 *   node test/setup.mjs [--no-browser]
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))
/** Where the browsers that were found are written down for test/kit/chromium.ts; see `Found` there. */
const FOUND = join(root, '.cache/chromium.json')
/** An install of 230 packages takes 10 s here; a registry that hangs is given up after this many ms. */
const INSTALL_TIMEOUT_MS = 300_000
/** apt fetches 90 MB and unpacks 440 MB: 41 s here. */
const APT_TIMEOUT_MS = 300_000
/** A Chromium listens after 0.1 s here; a cold disk takes longer. */
const START_TIMEOUT_MS = 30_000

const say = (line) => process.stderr.write(`set-up: ${line}\n`)

/** Whether node_modules holds what the lock file says; optional packages depend on the platform and are left out. */
export function isInstalled(folder = root) {
  const installedFile = join(folder, 'node_modules/.package-lock.json')
  if (!existsSync(installedFile)) return false
  const installed = JSON.parse(readFileSync(installedFile, 'utf8')).packages
  const wanted = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')).packages
  return Object.entries(wanted).every(
    ([path, { version, optional }]) => path === '' || optional || installed[path]?.version === version,
  )
}

/** Installs what the lock file says, where it is not there yet. */
export function ensureInstalled() {
  if (isInstalled()) return
  say('installing the packages of package-lock.json (npm ci)')
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund']
  const onWindows = process.platform === 'win32'
  const { status } = spawnSync('npm', args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    timeout: INSTALL_TIMEOUT_MS,
    shell: onWindows,
  })
  if (status !== 0 || !isInstalled()) throw new Error('npm ci did not succeed; its message is above')
}

/**
 * Finds or fetches what the browser tests need and writes it down; resolves with false, loudly, where there is nothing. `light`
 * takes a quarter of the time, but it hides no tab and keeps no page in a back/forward cache: that needs a `whole` one.
 */
export async function ensureChromium() {
  if (isWrittenDown()) return true
  const whole = await firstThatStarts(chosenBrowser, installedBrowsers, aptBrowser)
  const light = process.env.CHROME ? undefined : await firstThatStarts(unpackedBrowser)
  if (whole === undefined && light === undefined) {
    rmSync(FOUND, { force: true })
    say('NO CHROMIUM STARTS HERE: every browser test will be skipped. Set CHROME to the path of one.')
    return false
  }
  mkdirSync(join(root, '.cache'), { recursive: true })
  writeFileSync(FOUND, `${JSON.stringify({ whole, light }, null, 2)}\n`)
  const paths = [whole, light].filter((one) => one !== undefined).map(({ executablePath }) => executablePath)
  say(`browser tests use ${paths.join(' and ')}`)
  return true
}

function isWrittenDown() {
  if (!existsSync(FOUND)) return false
  const { whole, light } = JSON.parse(readFileSync(FOUND, 'utf8'))
  const all = [whole, light].filter((one) => one !== undefined)
  const isChosen = !process.env.CHROME || (whole?.executablePath === process.env.CHROME && light === undefined)
  return all.length > 0 && isChosen && all.every(({ executablePath }) => existsSync(executablePath))
}

/** The first of them that comes up, best source first: nothing is fetched while one that is here starts. */
async function firstThatStarts(...sources) {
  for (const find of sources) for (const found of find()) if (await starts(found)) return found
  return undefined
}

const chosenBrowser = () => (process.env.CHROME ? [{ executablePath: process.env.CHROME }] : [])

function installedBrowsers() {
  const names = ['google-chrome-stable', 'google-chrome', 'chrome', 'chromium', 'chromium-browser', 'microsoft-edge']
  const folders = (process.env.PATH ?? '').split(delimiter)
  const onPath = names.flatMap((name) => folders.map((folder) => join(folder, name)))
  const elsewhere = [
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
    '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
    'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
    'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
  ]
  return [...onPath, ...elsewhere].filter(existsSync).map((executablePath) => ({ executablePath }))
}

/** The headless shell that the package @sparticuz/chromium carries, with the system's libraries or with the package's own. */
function unpackedBrowser() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return []
  const manifest = join(root, 'node_modules/@sparticuz/chromium/package.json')
  if (!existsSync(manifest)) return []
  const folder = join(root, `.cache/chromium-${JSON.parse(readFileSync(manifest, 'utf8')).version}`)
  if (!existsSync(folder) && !unpack(folder)) return []
  const executablePath = join(folder, 'chromium')
  const fonts = existsSync('/etc/fonts/fonts.conf') ? {} : { FONTCONFIG_PATH: join(folder, 'fonts') }
  const ownLibraries = { ...fonts, LD_LIBRARY_PATH: join(folder, 'al2023/lib') }
  return [fonts, ownLibraries].map((env) => ({ executablePath, env }))
}

/** Unpacks beside the target and renames, so that an interrupted run leaves no half of a browser. */
function unpack(folder) {
  say('unpacking the Chromium of @sparticuz/chromium')
  mkdirSync(join(root, '.cache'), { recursive: true })
  const half = mkdtempSync(`${folder}-`)
  const code = "import('@sparticuz/chromium').then(({ default: chromium }) => chromium.executablePath())"
  // The package unpacks into the temporary folder, and its libraries (NSS) only where it believes to be on Lambda.
  const env = { ...process.env, TMPDIR: half, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs20.x' }
  const { status } = spawnSync(process.execPath, ['-e', code], { cwd: root, env, stdio: ['ignore', 2, 2] })
  if (status === 0) renameSync(half, folder)
  else rmSync(half, { recursive: true, force: true })
  return status === 0
}

/** Debian's own, where we may install it. */
function aptBrowser() {
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return []
  say('installing chromium with apt-get')
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  for (const args of [
    ['update', '-q'],
    ['install', '-y', '-q', '--no-install-recommends', 'chromium'],
  ]) {
    const { status } = spawnSync('apt-get', args, { env, stdio: ['ignore', 2, 2], timeout: APT_TIMEOUT_MS })
    if (status !== 0) say(`apt-get ${args[0]} did not succeed`)
  }
  return installedBrowsers()
}

/** Whether the browser really comes up: it says on stderr where its debugger listens. */
function starts({ executablePath, env }) {
  const profile = mkdtempSync(join(tmpdir(), 'copresence-profile-'))
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--remote-debugging-port=0']
  return new Promise((resolve) => {
    const child = spawn(executablePath, [...flags, `--user-data-dir=${profile}`, 'about:blank'], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    let isUp = false
    const giveUp = setTimeout(() => child.kill('SIGKILL'), START_TIMEOUT_MS)
    child.stderr.on('data', (chunk) => {
      said += chunk
      isUp = said.includes('DevTools listening on')
      if (isUp) child.kill('SIGKILL')
    })
    const end = () => {
      clearTimeout(giveUp)
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
      if (!isUp) say(`${executablePath} does not start: ${said.trim().split('\n').at(-1) ?? ''}`)
      resolve(isUp)
    }
    child.once('error', end)
    child.once('close', end)
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  ensureInstalled()
  if (!process.argv.includes('--no-browser')) await ensureChromium()
}
