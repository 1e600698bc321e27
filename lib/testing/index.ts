/** `copresence/testing`: a virtual network and clock for tests of applications. */
export { createTestNetwork, type TestGroup, type TestNetwork, type TestNetworkOptions } from './test-network.ts'
export type { Packet } from './wires.ts'
export type { MemberOptions } from './world.ts'
