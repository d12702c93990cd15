/** An API that a check finds nothing wrong with, and a check of a source against a script of answers. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { type Environment, resolverFor } from '#shared/config/config.ts'
import { silentLog } from '#shared/log.ts'
import { checkSource } from '../../../../services/fetcher/authoring/check/check.ts'
import type { PlacedStep, StepName } from '../../../../services/fetcher/authoring/check/step.ts'
import { fastClock } from '../../../support/clocks.ts'
import { type Answer, type Asked, startServer } from '../../../support/http.ts'
import { declareShop, order } from '../../declared.ts'
import { PATIENT } from '../authoring.ts'

export type Part = Record<string, unknown>
export type Script = (asked: Asked) => Answer

/** An API that does all it should: sorted by time, asked by `since` or by cursor, two a page. */
export const ORDERS = Array.from({ length: 5 }, (_, index) => order(String(index + 1), index + 1))
export const PAGE = 2

export type Behaviour = { exclusive?: boolean; read?(since: string): number; of?: readonly Part[] }

export function wellBehaved({
  exclusive = false,
  read = (since) => Date.parse(since),
  of = ORDERS,
}: Behaviour = {}): Script {
  return ({ query }) => {
    const since = query.get('since')
    const sinceMs = since === null ? Number.NEGATIVE_INFINITY : read(since)
    const found = of.filter(({ updated_at }) => {
      const ms = Date.parse(String(updated_at))
      return exclusive ? ms > sinceMs : ms >= sinceMs
    })
    const at = Number(query.get('cursor') ?? 0)
    return { json: { data: found.slice(at, at + PAGE), next: at + PAGE < found.length ? String(at + PAGE) : null } }
  }
}

export const withHeaders =
  (script: Script, headers: Record<string, string>): Script =>
  (asked) => ({ ...script(asked), headers })

export type Given = { script?: Script; stream?: Part; source?: Part; environment?: Environment }

export async function check(t: TestContext, { script = wellBehaved(), stream, source, environment = {} }: Given) {
  const server = await startServer(t, script)
  const shop = declareShop(
    { watermark: { field: 'updated_at', param: 'since' }, ...stream },
    { baseUrl: server.url, ...PATIENT, ...source },
  )
  const told: PlacedStep[] = []
  const { steps, requests } = await checkSource({
    source: shop,
    streams: shop.streams,
    clock: fastClock(),
    log: silentLog,
    resolver: resolverFor(environment),
    signal: new AbortController().signal,
    onStep: (step) => told.push(step),
  })
  assert.deepEqual(told, steps)
  return { steps, requests, server, step: (name: StepName) => stepOf(steps, name) }
}

export function stepOf(steps: readonly PlacedStep[], name: StepName): PlacedStep {
  const step = steps.find((each) => each.step === name)
  assert.ok(step !== undefined, `no step ${name}: ${JSON.stringify(steps)}`)
  return step
}

export const unauthorized: Script = () => ({ status: 401, json: { error: 'who are you?' } })
export const text =
  (json: Part): Script =>
  () => ({ json })
