/**
 * The sample API as its own process. Prints one line of JSON, `{"url": …}`, when it is ready, and stops on SIGTERM and
 * SIGINT. With `--owned` it also stops when its starter is gone (its IPC channel or its standard input ends). The
 * client's id and secret come from a file, so they appear in no argument list.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { exitStatusOf, explain, messageOf, WrongUse } from '#shared/errors.ts'
import type { OAuthClient } from './oauth.ts'
import { type SampleApiOptions, startSampleApi } from './sample-api.ts'

const PORT = 8199

const USAGE = `node services/sample-api/main.ts --credentials FILE [--port ${PORT}]
  [--host 127.0.0.1] [--part first|all] [--limit REQUESTS/MS] [--token-life-ms MS] [--fail-every N]
  [--shared-limit-at N] [--admin] [--owned]`

function readArguments(args: string[]): { options: SampleApiOptions; owned: boolean } {
  const values = parse(args)
  const whole = (
    name: 'port' | 'token-life-ms' | 'fail-every' | 'shared-limit-at',
    byDefault?: number,
  ): number | undefined => {
    const text = values[name]
    if (text === undefined) return byDefault
    if (!/^\d{1,9}$/.test(text)) throw new WrongUse('HR_OPTION', `--${name}: expected a whole number`, { hint: USAGE })
    return Number(text)
  }
  const released = values.part
  if (released !== 'first' && released !== 'all')
    throw new WrongUse('HR_OPTION', '--part: expected first or all', { hint: USAGE })
  const given = {
    port: whole('port', PORT),
    tokenLifeMs: whole('token-life-ms'),
    failEvery: whole('fail-every'),
    sharedLimitAt: whole('shared-limit-at'),
    limit: limitOf(values.limit),
  }
  const known = Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as Partial<SampleApiOptions>
  const { host, admin } = values
  return { options: { ...readCredentials(values.credentials), ...known, host, admin, released }, owned: values.owned }
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        credentials: { type: 'string' },
        port: { type: 'string' },
        host: { type: 'string', default: '127.0.0.1' },
        part: { type: 'string', default: 'all' },
        limit: { type: 'string' },
        'token-life-ms': { type: 'string' },
        'fail-every': { type: 'string' },
        'shared-limit-at': { type: 'string' },
        admin: { type: 'boolean', default: false },
        owned: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    throw new WrongUse('HR_OPTION', messageOf(error), { hint: USAGE })
  }
}

function limitOf(text: string | undefined): { requests: number; perMs: number } | undefined {
  if (text === undefined) return undefined
  const [, requests, perMs] = /^(\d{1,6})\/(\d{1,9})$/.exec(text) ?? []
  if (Number(requests) > 0 && Number(perMs) > 0) return { requests: Number(requests), perMs: Number(perMs) }
  throw new WrongUse('HR_OPTION', '--limit: expected requests and milliseconds, such as 30/2000', { hint: USAGE })
}

function readCredentials(file: string | undefined): OAuthClient {
  if (file === undefined) throw new WrongUse('HR_OPTION', '--credentials is missing', { hint: USAGE })
  try {
    return z
      .object({ clientId: z.string().min(1), clientSecret: z.string().min(1) })
      .parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    throw new WrongUse('HR_OPTION', `--credentials: ${file} holds no client`, {
      hint: 'write {"clientId": "…", "clientSecret": "…"} into it',
    })
  }
}

/** Resolves when this process is asked to stop. */
function stopped(owned: boolean): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', resolve)
    process.once('SIGINT', resolve)
    if (!owned) return
    if (process.connected) process.once('disconnect', resolve)
    else process.stdin.once('close', resolve).once('end', resolve).resume()
  })
}

try {
  const { options, owned } = readArguments(process.argv.slice(2))
  const asked = stopped(owned)
  const api = await startSampleApi(options)
  process.stdout.write(`${JSON.stringify({ url: api.url })}\n`)
  await asked
  await api.close()
  process.exit(0)
} catch (error) {
  process.stderr.write(`${explain(error)}\n`)
  process.exit(exitStatusOf(error))
}
