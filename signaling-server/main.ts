#!/usr/bin/env node
/** The executable `copresence`: connects the command to the process. */
import { run } from './command.ts'

/** The first SIGINT or SIGTERM asks for an end; a second one finds no listener and ends the process itself. */
const signalled = () =>
  new Promise<void>((resolve) => {
    const listener = () => {
      process.off('SIGINT', listener).off('SIGTERM', listener)
      resolve()
    }
    process.on('SIGINT', listener).on('SIGTERM', listener)
  })

process.exitCode = await run(process.argv.slice(2), {
  print: (line) => console.log(line),
  printError: (line) => console.error(line),
  ended: signalled,
})
