/** Ends what a test started, whatever became of the test. */
import { afterEach } from 'vitest'
import type { MemberProcess, ServerProcess } from './processes.ts'

export type Keep = <Process extends MemberProcess | ServerProcess>(process: Process) => Process

/**
 * What goes through the returned function is ended after each test of the file; given a test's own `onTestFinished`, after
 * that one, as tests that run beside others need.
 */
export function keepRunning(whenOver: (end: () => Promise<void>) => void = afterEach): Keep {
  let running: (MemberProcess | ServerProcess)[] = []
  whenOver(async () => {
    await Promise.all(running.map((process) => ('kill' in process ? process.kill() : process.end())))
    running = []
  })
  return (process) => {
    running.push(process)
    return process
  }
}
