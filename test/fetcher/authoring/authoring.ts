/** What these tests share: a folder of their own, an API asked as an author asks it, and a shop with two pages. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type Environment, resolverFor } from '#shared/config/config.ts'
import type { Source } from '#shared/declaration/compile.ts'
import { silentLog } from '#shared/log.ts'
import { type Api, openApi } from '../../../services/fetcher/authoring/api.ts'
import { fastClock } from '../../support/clocks.ts'
import type { Answer, Asked } from '../../support/http.ts'
import { order } from '../declared.ts'

export function ownFolder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'headrace-authoring-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

export function apiFor(t: TestContext, source: Source, environment: Environment = {}): Api {
  const api = openApi(source, {
    clock: fastClock(),
    log: silentLog,
    resolver: resolverFor(environment),
    requestsMax: 20,
  })
  t.after(() => api.close())
  return api
}

/** For sources that are asked by a fast clock: a busy machine is no failed attempt. */
export const PATIENT = { timeout: '1h' }

/** Two pages of orders behind the cursor "b", whatever else is asked. */
export const twoPages = (asked: Asked): Answer =>
  asked.query.get('cursor') === 'b'
    ? { json: { data: [order('3', 3)], next: null } }
    : { json: { data: [order('1', 1), order('2', 2)], next: 'b' } }
