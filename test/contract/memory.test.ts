import { createRealtime } from '../../lib/realtime.ts'
import { createMemoryNetwork } from '../kit/memory-network.ts'
import { travelOver } from '../kit/travel.ts'
import { describeContract } from './contract.ts'

describeContract('over a network of queues', {
  meetMs: 2_000,
  hasDocuments: false,
  create: async () => {
    const network = createMemoryNetwork({ isFlowing: true })
    return {
      createRealtime: (options) =>
        createRealtime(
          { servers: [], ...options },
          { page: undefined, createTravel: travelOver(network.createTransport) },
        ),
      close: async () => undefined,
    }
  },
})
