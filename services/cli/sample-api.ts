/**
 * `headrace sample-api`: a real API on this machine for a first source. It has cursors, a filter by time and a request
 * limit, and asks for no credentials. `demo` runs the same one with tokens, failures and damaged records.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { WrongUse } from '#shared/errors.ts'
import { startSampleApi } from '../sample-api/sample-api.ts'
import { print } from './output.ts'
import { interruption } from './service-process.ts'

const PORT_MAX = 65_535

export async function sampleApiCommand({ port }: { port: string }): Promise<number> {
  if (!/^\d{1,5}$/.test(port) || Number(port) > PORT_MAX)
    throw new WrongUse('HR_OPTION', `--port: "${port}" is not a port`, { hint: `give 0 to ${PORT_MAX}` })
  const interrupted = interruption(new Error('stopped'))
  const client = { clientId: 'open', clientSecret: randomBytes(24).toString('base64url') }
  const well = { open: true, damaged: false, failEvery: 0, sharedLimitAt: 0 }
  const api = await startSampleApi({ ...client, ...well, port: Number(port) })
  print(`The sample API answers at ${api.url}/v1/earthquakes until it is stopped with Ctrl-C.`)
  if (!interrupted.signal.aborted) await once(interrupted.signal, 'abort')
  await api.close()
  interrupted.close()
  return 0
}
