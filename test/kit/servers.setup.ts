/** Real servers for tests that run inside a page and cannot start any: they live as long as the project's run. */
import type { TestProject } from 'vitest/node'
import { createSignalingServer } from '../../signaling-server/index.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Addresses of servers that know nothing of each other. */
    servers: readonly string[]
    /** Why nothing can run inside a page here, or undefined. */
    noChromium: string | undefined
  }
}

/** As many as the contract's largest test has members. */
const SERVERS = 4

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const servers = Array.from({ length: SERVERS }, () => createSignalingServer({ port: 0 }))
  await Promise.all(servers.map(({ ready }) => ready))
  project.provide(
    'servers',
    servers.map(({ url }) => url),
  )
  return async () => void (await Promise.all(servers.map((server) => server.close())))
}
