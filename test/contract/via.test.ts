/** Everybody is on a server of its own; one who is on all of them, and is no member itself, passes on. */

import { createSignalingServer } from '../../signaling-server/index.ts'
import { createViaWorld } from '../kit/via-world.ts'
import { type ContractWorld, describeContract, ROOM } from './contract.ts'

/** As many as the contract's largest test has members. */
const SERVERS = 4

async function create(): Promise<ContractWorld> {
  const servers = Array.from({ length: SERVERS }, () => createSignalingServer({ port: 0 }))
  await Promise.all(servers.map(({ ready }) => ready))
  const world = createViaWorld({ servers: servers.map(({ url }) => url), channel: ROOM })
  return {
    ...world,
    async close() {
      await world.close()
      await Promise.all(servers.map((server) => server.close()))
    },
  }
}

describeContract('links, over a neighbour alone', { meetMs: 5_000, hasDocuments: true, create })
