/** The demo page end to end: two browsers, one server, and everything the page shows of it. */
import type { Browser, BrowserContext, BrowserContextOptions } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createSignalingServer, type SignalingServer } from '../../signaling-server/index.ts'
import { launchChromium, noChromium } from '../kit/chromium.ts'
import { until } from '../kit/until.ts'
import { type DemoPage, gone, mostFloatsOf, openDemo, placeOf, seen, wasSeen } from './demo-page.ts'

describe.skipIf(noChromium)('the demo page', () => {
  let browser: Browser
  let server: SignalingServer
  let address: string
  const contexts: BrowserContext[] = []

  const startServer = async (port: number): Promise<void> => {
    server = createSignalingServer({ port, demo: 'dist/demo' })
    await server.ready
    address = server.url.replace('ws', 'http')
  }
  /** Another browser, as far as storage and tabs go. */
  const newContext = async (options: BrowserContextOptions = {}): Promise<BrowserContext> => {
    const context = await browser.newContext(options)
    contexts.push(context)
    return context
  }
  const open = async (query: string, name?: string, options?: BrowserContextOptions): Promise<DemoPage> =>
    openDemo(await newContext(options), `${address}/${query}`, name)

  beforeAll(async () => {
    browser = await launchChromium()
  })
  afterAll(() => browser.close())
  beforeEach(() => startServer(0))
  afterEach(async () => {
    await Promise.all(contexts.splice(0).map((context) => context.close()))
    await server.close()
  })

  it('[D1] [D2] [D7] two browsers see each other arrive, rename, change status and leave', async () => {
    const alice = await open('', 'Alice')
    await seen('alice alone', alice.at('alone'))
    const bob = await open('', 'Bob')
    await seen('bob at alice, over WebRTC', alice.avatar('Bob'), { reach: 'direct', status: 'online' })
    await seen('alice at bob, over WebRTC', bob.avatar('Alice'), { reach: 'direct' })
    await seen('bob himself', bob.avatar('Bob'), { reach: 'self' })
    expect(await alice.at('alone').isVisible()).toBe(false)
    expect(await alice.at('company').textContent()).toBe('You and Bob')

    await bob.at('status-select').selectOption('busy')
    await seen('bob busy', alice.avatar('Bob'), { status: 'busy' })
    await bob.at('name-input').fill('Robert')
    await seen('bob renamed', alice.avatar('Robert'))
    await bob.page.close()
    await gone('robert', alice.avatar('Robert'))
    await seen('the log of it', alice.page.locator('[data-event="left"][data-name="Robert"]'))
    expect(alice.complaints).toEqual([])
  })

  it('[D3] [D11] a cursor is at the same share of windows of two sizes, and goes with the pointer', async () => {
    const alice = await open('', 'Alice', { viewport: { width: 1300, height: 800 } })
    const bob = await open('', 'Bob', { viewport: { width: 700, height: 500 } })
    await seen('bob at alice', alice.avatar('Bob'))
    await bob.page.mouse.move(70, 400)
    await seen('the cursor of bob', alice.at('cursor'))
    await bob.page.mouse.move(350, 125, { steps: 8 })
    await until('the cursor in place', async () => {
      const { x, y } = await placeOf(alice.at('cursor'))
      return Math.abs(x - 0.5) < 0.002 && Math.abs(y - 0.25) < 0.002
    })
    expect(await bob.at('cursor').count()).toBe(0)
    // What a browser sends when the pointer goes over its edge.
    await bob.page.evaluate(() => document.documentElement.dispatchEvent(new PointerEvent('pointerleave')))
    await gone('the cursor of bob', alice.at('cursor'))
  })

  it('[D11] with less motion a cursor is where it was seen at once', async () => {
    const alice = await open('', 'Alice', { reducedMotion: 'reduce' })
    const bob = await open('', 'Bob')
    await bob.page.mouse.move(100, 100)
    await seen('the cursor of bob', alice.at('cursor'))
    await alice.page.evaluate(() => {
      const cursor = document.querySelector<HTMLElement>('[data-testid="cursor"]')
      if (cursor === null) throw new Error('no cursor')
      const places = [cursor.style.getPropertyValue('--x')]
      Reflect.set(window, 'places', places)
      new MutationObserver(() => {
        const place = cursor.style.getPropertyValue('--x')
        if (places.at(-1) !== place) places.push(place)
      }).observe(cursor, { attributes: true })
    })
    await bob.page.mouse.move(900, 100)
    const places = () => alice.page.evaluate(() => Reflect.get(window, 'places') as string[])
    await until('the cursor moved', async () => (await places()).length > 1)
    expect((await places()).map(Number)).toEqual([100 / 1280, 900 / 1280].map((share) => expect.closeTo(share, 3)))
  })

  it('[D17] a cursor that rests fades, and is back when it moves', async () => {
    const alice = await open('', 'Alice')
    const bob = await open('', 'Bob')
    await bob.page.mouse.move(100, 100)
    await seen('the cursor of bob', alice.at('cursor'))
    const isIdle = (): Promise<boolean> => alice.at('cursor').evaluate((cursor) => cursor.classList.contains('is-idle'))
    expect(await isIdle()).toBe(false)
    await until('the cursor faded', isIdle, { timeoutMs: 8_000 })
    await bob.page.mouse.move(200, 100)
    await until('the cursor is back', async () => !(await isIdle()))
  })

  it('[D16] two who came with the same colour do not keep it', async () => {
    const context = await newContext()
    const wearRed = (): void => sessionStorage.setItem('copresence-demo-identity', '{"name":"Red","color":"#c9423f"}')
    await context.addInitScript(wearRed)
    const alice = await openDemo(context, `${address}/`, 'Alice')
    await seen('alice', alice.avatar('Alice'))
    const bob = await openDemo(context, `${address}/`, 'Bob')
    await seen('bob', alice.avatar('Bob'))
    const colorOf = (name: string): Promise<string> =>
      alice.avatar(name).evaluate((avatar) => avatar.style.getPropertyValue('--color'))
    await until('bob in another colour', async () => (await colorOf('Bob')) !== '#c9423f')
    expect(await colorOf('Alice')).toBe('#c9423f')
    expect(await bob.at('color-input').inputValue()).toBe(await colorOf('Bob'))
  })

  it('[D4] [D5] a name, a saying and data that are HTML or worse are text, and break no policy', async () => {
    const hostile = '<img src=x onerror=alert(1)>'
    const alice = await open('', 'Alice')
    const bob = await open('', hostile)
    await seen('the name as text', alice.avatar(hostile))
    await bob.at('say-input').fill('<script>alert(2)</script><b>bold</b>')
    await bob.at('say-input').press('Enter')
    await wasSeen('the saying', alice, 'saying', { text: `${hostile}<script>alert(2)</script><b>bold</b>` })
    await bob.page.evaluate(() =>
      window.copresenceDemo.channel.participant.update(
        JSON.parse('{"color":"red;position:fixed","status":"<b>","cursor":{"x":1e9,"y":"0"},"isTyping":"<i>"}'),
      ),
    )
    await seen('bob as before', alice.avatar(hostile), { status: 'online' })
    await bob.page.evaluate(() =>
      window.copresenceDemo.channel.publish('react', { emoji: '<img>', at: { x: 0, y: 0 } }),
    )
    await bob.page.getByLabel('Wave').click()
    await wasSeen('the true reaction', alice, 'reaction', { text: '👋' })
    expect(await alice.shown('reaction')).toHaveLength(1)
    expect(await alice.page.locator('img, b:not(.saying-name), i, body script').count()).toBe(0)
    expect(alice.complaints).toEqual([])
    expect(bob.complaints).toEqual([])
  })

  it('[D5] the policy refuses inline script, inline style, foreign sources and HTML made of text', async () => {
    const alice = await open('', 'Alice')
    const verdicts = await alice.page.evaluate(() => {
      const violations: string[] = []
      document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) =>
        violations.push(effectiveDirective),
      )
      const script = document.createElement('script')
      const style = document.createElement('div')
      const image = document.createElement('img')
      style.setAttribute('style', 'color: red')
      image.src = 'https://example.org/x.png'
      let isHtmlRefused = false
      try {
        style.innerHTML = '<b>x</b>'
      } catch {
        // What the policy is for.
        isHtmlRefused = true
      }
      try {
        script.textContent = 'window.isBroken = true'
        document.head.append(script)
      } catch {
        // Refused as text already.
      }
      document.body.append(style, image)
      return new Promise<{ isHtmlRefused: boolean; isBroken: boolean; violations: string[] }>((resolve) => {
        image.addEventListener('error', () =>
          requestAnimationFrame(() =>
            resolve({ isHtmlRefused, isBroken: Reflect.has(window, 'isBroken'), violations }),
          ),
        )
      })
    })
    expect(verdicts).toMatchObject({ isHtmlRefused: true, isBroken: false })
    expect(verdicts.violations).toEqual(
      expect.arrayContaining(['img-src', 'style-src-attr', 'require-trusted-types-for']),
    )
  })

  it('[D6] connecting, alone, online, the server away with a meaning, and back are all visible', async () => {
    const { port } = server
    const context = await newContext()
    // A server that does not answer: sockets that never open.
    await context.addInitScript(() => {
      window.WebSocket = class extends EventTarget {
        readyState = 0
        close(): void {
          this.readyState = 3
        }
      } as unknown as typeof WebSocket
    })
    const waiting = await openDemo(context, `${address}/?room=silence`)
    await seen('away once patience ends', waiting.at('connection-state'), { state: 'offline' })
    const states = (await waiting.shown('connection-state')).map(({ text }) => text)
    expect(states.slice(-2)).toEqual(['Connecting to the server…', 'Server away, trying again'])
    expect(await waiting.at('alone').isVisible()).toBe(true)

    const alice = await open('', 'Alice')
    const bob = await open('', 'Bob')
    await seen('online', alice.at('connection-state'), { state: 'online' })
    await seen('bob', alice.avatar('Bob'), { reach: 'direct' })
    await server.close()
    await seen('offline', alice.at('connection-state'), { state: 'offline' })
    expect(await alice.at('notice').textContent()).toMatch(/goes on with whom it reaches directly/)
    await bob.at('status-select').selectOption('away')
    await seen('bob goes on', alice.avatar('Bob'), { status: 'away' })
    await startServer(port)
    await seen('online again', alice.at('connection-state'), { state: 'online' })
    expect(await alice.at('notice').isVisible()).toBe(false)
    const serverLines = await alice.page.locator('[data-event="server"] .log-text').allTextContents()
    expect(serverLines).toEqual(['The server is away', 'The server is back'])
    expect(await alice.page.locator('[data-event="left"]').count()).toBe(0)
  })

  it('[D6] [D7] without WebRTC the page says relay only, and each is reached by the relay', async () => {
    const alice = await open('?webrtc=off', 'Alice')
    const bob = await open('', 'Bob')
    await seen('bob at alice', alice.avatar('Bob'), { reach: 'relay' })
    await seen('alice at bob', bob.avatar('Alice'), { reach: 'relay' })
    expect(await alice.at('connection-state').textContent()).toBe('Connected, relay only')
  })

  it('[D6] [D7] [D9] two tabs of one browser are two people, without any server too', async () => {
    const context = await newContext()
    const alice = await openDemo(context, `${address}/?servers=off`, 'Alice')
    const bob = await openDemo(context, `${address}/?servers=off`)
    expect(await bob.at('name-input').inputValue()).not.toBe('Alice')
    await bob.at('name-input').fill('Bob')
    await seen('bob at alice', alice.avatar('Bob'), { reach: 'tab' })
    await seen('alice at bob', bob.avatar('Alice'), { reach: 'tab' })
    await seen('no server wanted', alice.at('connection-state'), { state: 'offline' })
    expect(await alice.at('connection-state').textContent()).toMatch(/tabs of this browser only/)
    expect(await alice.at('notice').isVisible()).toBe(false)
  })

  it('[D9] a tab keeps its name and colour over a reload', async () => {
    const alice = await open('?servers=off', 'Alice')
    await alice.at('color-input').fill('#123456')
    await until('both kept', () =>
      alice.page.evaluate(() => /Alice.*#123456/.test(sessionStorage.getItem('copresence-demo-identity') ?? '')),
    )
    await alice.page.reload()
    await seen('alice again', alice.avatar('Alice'), { reach: 'self' })
    expect(await alice.at('color-input').inputValue()).toBe('#123456')
  })

  it('[D8] the typing line tells who types, until they send or stop', async () => {
    const alice = await open('', 'Alice')
    const bob = await open('', 'Bob')
    await seen('bob', alice.avatar('Bob'))
    const typing = (): Promise<string | null> => alice.at('typing-line').textContent()
    await bob.at('say-input').pressSequentially('hel')
    await until('typing', async () => (await typing()) === 'Bob is typing…', { seen: typing })
    expect(await bob.at('typing-line').textContent()).toBe('')
    await bob.at('say-input').press('Enter')
    await until('sent', async () => (await typing()) === '', { timeoutMs: 1_500, seen: typing })
    await bob.at('say-input').pressSequentially('hm')
    await until('typing again', async () => (await typing()) === 'Bob is typing…', { seen: typing })
    await until('stopped by itself', async () => (await typing()) === '', { seen: typing })
  })

  it('[D8] nobody is shown typing who is out of reach', async () => {
    const alice = await open('', 'Alice')
    const bob = await open('?webrtc=off', 'Bob')
    await seen('bob', alice.avatar('Bob'), { reach: 'relay' })
    await bob.page.evaluate(() => window.copresenceDemo.channel.participant.update({ isTyping: true }))
    await until('typing', async () => (await alice.at('typing-line').textContent()) === 'Bob is typing…')
    const { port } = server
    await server.close()
    await seen('bob out of reach', alice.avatar('Bob'), { reach: 'none' })
    expect(await alice.at('typing-line').textContent()).toBe('')
    await startServer(port)
    await until('typing still', async () => (await alice.at('typing-line').textContent()) === 'Bob is typing…')
  })

  it('[D13] sayings reach everybody, oneself too, and a flood of reactions stays at 40', async () => {
    const alice = await open('', 'Alice')
    const bob = await open('', 'Bob')
    await seen('bob', alice.avatar('Bob'))
    await bob.at('say-input').fill('hello')
    await bob.at('say-input').press('Enter')
    for (const { page } of [alice, bob]) await seen('the line', page.locator('[data-event="said"][data-name="Bob"]'))
    expect(await mostFloatsOf(bob, 60)).toBe(40)
  })

  it('[D12] the log keeps its last 100 lines', async () => {
    const alice = await open('?servers=off', 'Alice')
    await seen('alice', alice.avatar('Alice'))
    await alice.page.evaluate(async () => {
      for (let count = 0; count < 130; count++) {
        window.copresenceDemo.channel.publish('say', { text: `line ${count}`, at: { x: 0.5, y: 0.5 } })
        if (count % 10 === 0) await new Promise(requestAnimationFrame)
      }
    })
    await until('the last line', async () =>
      (await alice.at('log').locator('li').last().textContent())?.includes('line 129'),
    )
    expect(await alice.at('log').locator('li').count()).toBe(100)
  })

  it('[D10] copying the link is confirmed, and it leads a friend to the room', async () => {
    const alice = await open('?room=garden&webrtc=off', 'Alice', { permissions: ['clipboard-read', 'clipboard-write'] })
    await alice.at('copy-link').click()
    await wasSeen('the confirmation', alice, 'copy-link', { text: 'Copied' })
    const link = await alice.page.evaluate(() => navigator.clipboard.readText())
    expect(link).toBe(`${address}/?room=garden`)
    expect(await alice.at('share-link').getAttribute('href')).toBe(link)
    const bob = await openDemo(await newContext(), link, 'Bob')
    await seen('bob came', alice.avatar('Bob'))
    await seen('alice is there', bob.avatar('Alice'))
  })

  it('[D10] where the clipboard is refused the link stands selected', async () => {
    const alice = await open('?servers=off')
    await alice.page.evaluate(() => {
      navigator.clipboard.writeText = () => Promise.reject(new DOMException('no', 'NotAllowedError'))
    })
    await alice.at('copy-link').click()
    await wasSeen('what to do', alice, 'copy-link', { text: 'Selected: copy it (Ctrl+C)' })
    const selected = await alice.page.evaluate(() => getSelection()?.toString())
    expect(selected).toBe(await alice.at('share-link').textContent())
  })

  it('[D1] a room name that the library refuses leads to the lobby, and the log says so', async () => {
    const alice = await open('?room=%F0%9F%99%82&servers=off', 'Alice', { viewport: { width: 390, height: 800 } })
    await seen('the line', alice.page.locator('[data-event="room"]:visible'))
    expect(await alice.at('room-name').textContent()).toBe('lobby')
    expect(alice.page.url()).toContain('room=lobby')
  })

  it('[D15] who has the link of a private room comes in, who has its name alone does not, and no server hears the secret', async () => {
    const alice = await open('', 'Alice')
    expect(await alice.at('room-privacy').textContent()).toBe('open')
    await alice.at('new-room').click()
    await alice.page.waitForURL(/room=[a-z]+-[a-z2-9]{4}&private=#secret=[\w-]{22}$/)
    await seen('alice alone there', alice.at('alone'))
    expect(await alice.at('room-privacy').textContent()).toBe('private')

    const link = (await alice.at('share-link').getAttribute('href')) ?? ''
    const context = await newContext()
    const asked: string[] = []
    context.on('request', (request) => asked.push(request.url()))
    const bob = await openDemo(context, link, 'Bob')
    await seen('bob at alice’s', alice.avatar('Bob'), { reach: 'direct' })
    const [, secret = ''] = link.split('#secret=')
    expect(asked.length).toBeGreaterThan(2)
    expect(asked.filter((url) => url.split('#')[0]?.includes(secret))).toEqual([])

    const mallory = await openDemo(await newContext(), link.replace(/&private.*/, ''), 'Mallory')
    await seen('mallory alone', mallory.at('alone'))
    await alice.at('say-input').fill('only for us')
    await alice.at('say-input').press('Enter')
    await seen('the saying', bob.page.locator('[data-testid="log"] [data-event="said"]'))
    expect(await mallory.avatar('Alice').count()).toBe(0)
    expect(await mallory.at('log').textContent()).not.toContain('only for us')
    expect([...alice.complaints, ...bob.complaints, ...mallory.complaints]).toEqual([])
  })

  it('[D15] a link that lost its secret says so', async () => {
    const alice = await open('?room=attic&private=', 'Alice')
    await seen('alice alone there', alice.at('alone').getByText('ask for the link again'))
    expect(await alice.at('room-privacy').textContent()).toBe('incomplete')
    for (const part of ['share-link', 'copy-link', 'alone-copy']) expect(await alice.at(part).isVisible()).toBe(false)
  })

  it('[D15] another secret in the address of an open page leads to the other room', async () => {
    const alice = await open('?room=attic#secret=one', 'Alice')
    await seen('alice', alice.avatar('Alice'))
    const id = await alice.page.evaluate(() => window.copresenceDemo.realtime.connectionId)
    await alice.page.evaluate(() => {
      location.hash = 'secret=two'
    })
    await until('another page', () =>
      alice.page
        // A page that is loading has none yet.
        .evaluate((before) => ![before, undefined].includes(window.copresenceDemo?.realtime.connectionId), id)
        .catch(() => false),
    )
    expect(await alice.at('share-link').getAttribute('href')).toContain('#secret=two')
  })
})
