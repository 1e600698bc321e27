/**
 * Tabs that no driver holds: a driver keeps its pages visible and awake, and these are to be hidden and frozen as a
 * person's are. Speaks the DevTools protocol by itself; knows no rule.
 */
import { once } from 'node:events'
import { WebSocket } from 'ws'
import { until } from '../kit/until.ts'

export interface RawTab {
  /** Sends a command of the DevTools protocol to the page. */
  send(method: string, params?: object): Promise<Record<string, unknown>>
  /** The value of an expression, once its promise has settled. */
  evaluate<Value>(expression: string): Promise<Value>
  /** Brings it before the other tabs of its window. */
  activate(): Promise<void>
  close(): Promise<void>
}

export interface RawTabs {
  /** A tab of the one window, in a context of its own among all tabs that this opens. */
  open(url: string): Promise<RawTab>
  close(): Promise<void>
}

interface Answer {
  readonly id?: number
  readonly result?: Record<string, unknown>
  readonly error?: { readonly message: string }
}

/** `port`: where the browser listens for debuggers (`--remote-debugging-port`). */
export async function connectTabs(port: number): Promise<RawTabs> {
  const response = await fetch(`http://127.0.0.1:${port}/json/version`)
  const { webSocketDebuggerUrl } = (await response.json()) as { webSocketDebuggerUrl: string }
  const socket = new WebSocket(webSocketDebuggerUrl)
  await once(socket, 'open')
  const waiting = new Map<number, (answer: Answer) => void>()
  let calls = 0
  socket.on('message', (data) => {
    const answer = JSON.parse(String(data)) as Answer
    if (answer.id !== undefined) waiting.get(answer.id)?.(answer)
  })
  const send = (method: string, params: object = {}, sessionId?: string) =>
    new Promise<Record<string, unknown>>((resolve, reject) => {
      const id = ++calls
      waiting.set(id, ({ result, error }) => {
        waiting.delete(id)
        if (error === undefined) resolve(result ?? {})
        else reject(new Error(`${method}: ${error.message}`))
      })
      socket.send(JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) }))
    })
  const { browserContextId } = await send('Target.createBrowserContext')

  async function open(url: string): Promise<RawTab> {
    const { targetId } = await send('Target.createTarget', { url, browserContextId })
    const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true })
    const ask = (method: string, params?: object) => send(method, params, sessionId as string)
    const tab: RawTab = {
      send: ask,
      async evaluate<Value>(expression: string) {
        const answer = await ask('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true })
        if (answer.exceptionDetails !== undefined)
          throw new Error(`${expression}: ${JSON.stringify(answer.exceptionDetails)}`)
        return (answer.result as { value: Value }).value
      },
      activate: async () => void (await send('Target.activateTarget', { targetId })),
      close: async () => void (await send('Target.closeTarget', { targetId })),
    }
    await until('the page', () => tab.evaluate<boolean>('document.readyState === "complete"'), { timeoutMs: 15_000 })
    return tab
  }
  return {
    open,
    async close() {
      await send('Target.disposeBrowserContext', { browserContextId })
      socket.close()
    },
  }
}
