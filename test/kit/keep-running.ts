/** Ends what a test started, whatever became of the test. */
import { afterEach } from 'vitest'
import type { MemberProcess, ServerProcess } from './processes.ts'

/** For a whole file: what goes through the returned function is ended after each test. */
export function keepRunning(): <Process extends MemberProcess | ServerProcess>(process: Process) => Process {
  let running: (MemberProcess | ServerProcess)[] = []
  afterEach(async () => {
    await Promise.all(running.map((process) => ('kill' in process ? process.kill() : process.end())))
    running = []
  })
  return (process) => {
    running.push(process)
    return process
  }
}
