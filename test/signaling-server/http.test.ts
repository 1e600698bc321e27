/** The HTTP side of the port: health, and the files of one folder. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import type { SignalingServer } from '../../signaling-server/index.ts'
import { connect, startServer } from './kit.ts'

interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
}

/** Unlike fetch, leaves the path as it is. */
const http = (server: SignalingServer, path: string, method = 'GET'): Promise<Answer> =>
  new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port: server.port, path, method, agent: false }, (response) => {
      let text = ''
      response.on('data', (data) => {
        text += data
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }))
    })
      .on('error', reject)
      .end()
  })

it('[S7] health answers 200 with what is there', async () => {
  const server = await startServer()
  await connect(server.url)
  const answer = await http(server, '/health?x')
  expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'application/json; charset=utf-8' } })
  expect(JSON.parse(answer.text)).toEqual({ status: 'ok', connections: 1, topics: 0, rooms: 0 })
})

async function demoServer(): Promise<SignalingServer> {
  const root = await mkdtemp(join(tmpdir(), 'copresence-'))
  onTestFinished(() => rm(root, { recursive: true }))
  const demo = join(root, 'demo')
  await mkdir(join(demo, 'assets'), { recursive: true })
  await mkdir(join(demo, '.git'))
  await writeFile(join(root, 'secret.txt'), 'secret')
  await writeFile(join(demo, 'index.html'), '<!doctype html>')
  await writeFile(join(demo, 'assets', 'main-4f.js'), 'let a')
  await writeFile(join(demo, 'assets', 'a b.css'), 'a{}')
  await writeFile(join(demo, '.env'), 'secret')
  await writeFile(join(demo, '.git', 'config'), 'secret')
  await symlink(join(root, 'secret.txt'), join(demo, 'link.txt'))
  return startServer({ demo })
}

it('[S8] the files of the demo are served beside the sockets, under a policy that lets no foreign script run', async () => {
  const server = await demoServer()
  const page = await http(server, '/')
  expect(page).toMatchObject({ status: 200, text: '<!doctype html>' })
  expect(page.headers).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'x-content-type-options': 'nosniff',
    'content-security-policy': expect.stringMatching(/^default-src 'self'; connect-src 'self' ws: wss:;/),
  })
  expect(page.headers['content-security-policy']).not.toMatch(/unsafe|\*/)
  const script = await http(server, '/assets/main-4f.js?v=1')
  expect(script).toMatchObject({ status: 200, text: 'let a' })
  expect(script.headers['content-type']).toBe('text/javascript; charset=utf-8')
  expect((await http(server, '/assets/a%20b.css')).text).toBe('a{}')
  expect(await http(server, '/', 'HEAD')).toMatchObject({ status: 200, text: '', headers: { 'content-length': '15' } })
  await connect(server.url)
})

it('[S9] nothing but those files is served, and nothing but GET and HEAD is answered', async () => {
  const server = await demoServer()
  const paths = ['/../secret.txt', '/assets/../../secret.txt', '/%2e%2e/secret.txt', '/..%2fsecret.txt', '/link.txt']
  const more = ['/.env', '/.git/config', '/assets', '/assets/', '/nothing', '//', '/%', '/%00', '/index.html/', '*']
  for (const path of [...paths, ...more]) {
    const answer = await http(server, path)
    expect(answer.text, path).not.toMatch('secret')
    expect(answer.status, path).toBe(404)
  }
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    expect(await http(server, '/', method), method).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } })
  }
  expect((await http(await startServer(), '/')).status).toBe(404)
})
