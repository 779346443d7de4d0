import * as core from '@actions/core'
import { act } from './act.ts'
import { clockUntil } from './clock.ts'
import { interruption } from './exec.ts'
import { toFailure } from './failure.ts'
import { greeting } from './github/context.ts'
import { keepMemoryLow } from './memory.ts'

keepMemoryLow()
const signal = interruption()
/** A cancelled run waits for nothing. */
const clock = clockUntil(signal)

core.info(greeting(process.env))
process.exitCode = await act(process.env, signal, clock).catch((error: unknown) => {
  core.error(toFailure(error).message)
  return 2
})
