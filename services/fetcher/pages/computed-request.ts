/**
 * Calls the functions of a stream's request and checks what they return. A stream without functions is returned as it
 * is declared. Pure, as the functions have to be. Throws DeclarationError that names the field.
 */
import type { PartitionValues, Stream } from '#shared/declaration/compile.ts'
import { headers as headersSpec } from '#shared/declaration/headers.ts'
import { streamMistake } from '#shared/declaration/mistakes/mistakes.ts'
import type { ComputedPairs, RequestContext } from '#shared/declaration/request-functions.ts'
import { type DeclarationError, messageOf } from '#shared/errors.ts'

/** The page that is requested. `from`, `to`: as the request writes them. */
export type AskedPage = Pick<RequestContext, 'from' | 'to' | 'page'> & { cursor: unknown }

export type ComputedRequest = {
  path: string
  params: ComputedPairs
  headers: Readonly<Record<string, string>>
  /** A copy. */
  body: unknown
  form: ComputedPairs | undefined
}

export function computedRequest(
  stream: Stream,
  partition: number,
  values: PartitionValues,
  asked: AskedPage,
): ComputedRequest {
  const { path, params, headers, body, form } = stream
  const context = (): RequestContext => ({
    ...{ partition, partitions: stream.partitions.length, values: { ...values } },
    ...{ from: asked.from, to: asked.to, page: asked.page, cursor: shownCursor(asked.cursor) },
  })

  function call<Returned>(
    field: string,
    given: (context: RequestContext) => unknown,
    check: Check<Returned>,
  ): Returned {
    const refuse = (what: string, hint: string) => streamMistake(stream, field, what, hint)
    let found: unknown
    try {
      found = given(context())
    } catch (error) {
      throw refuse(`the function throws for partition ${partition}: ${String(error)}`, GETS)
    }
    if (found instanceof Promise) throw refuse('the function returns a promise', 'it has to return its value at once')
    return check(found, (what, hint) => refuse(`the function returns ${what} for partition ${partition}`, hint))
  }

  return {
    path: typeof path === 'function' ? call('path', path, checkedPath) : path,
    params: typeof params === 'function' ? call('params', params, checkedPairs) : params,
    headers: typeof headers === 'function' ? call('headers', headers, checkedHeaders) : headers,
    body: typeof body === 'function' ? call('body', body, checkedBody) : structuredClone(body),
    form: typeof form === 'function' ? call('form', form, checkedPairs) : form,
  }
}

const GETS = 'it gets { partition, partitions, values, from, to, page, cursor }'

type Wrong = (what: string, hint: string) => DeclarationError
type Check<Returned> = (found: unknown, wrong: Wrong) => Returned

function checkedPath(found: unknown, wrong: Wrong): string {
  if (typeof found === 'string' && found.startsWith('/')) return found
  throw wrong(`${kindOf(found)} instead of a path`, 'it returns a path below baseUrl that starts with /')
}

function checkedPairs(found: unknown, wrong: Wrong): ComputedPairs {
  const pairs = entriesOf(found, wrong, PAIRS)
  const bad = pairs.find(([, value]) => value !== null && value !== undefined && ![value].flat().every(isScalar))
  if (bad !== undefined) throw wrong(`${kindOf(bad[1])} as "${bad[0]}"`, PAIRS)
  return found as ComputedPairs
}

const PAIRS = 'it returns an object of texts, numbers, booleans and lists of them; null omits a name'

function checkedHeaders(found: unknown, wrong: Wrong): Record<string, string> {
  const hint = 'it returns an object of texts; null omits a header; credentials go into auth'
  const given = Object.fromEntries(
    entriesOf(found, wrong, hint).filter(([, value]) => value !== null && value !== undefined),
  )
  const parsed = headersSpec.safeParse(given)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw wrong(`a header "${issue?.path.map(String).join('.')}" that cannot be sent: ${issue?.message}`, hint)
}

/** As JSON writes it. So nothing that happens to it reaches the function again. */
function checkedBody(found: unknown, wrong: Wrong): unknown {
  const hint = 'it returns an object or a list of plain JSON, or null for no body'
  if (found === null || found === undefined) return undefined
  if (typeof found !== 'object') throw wrong(`${kindOf(found)}, no JSON body`, hint)
  try {
    return JSON.parse(JSON.stringify(found))
  } catch (error) {
    throw wrong(`a value that is not plain JSON (${messageOf(error)})`, hint)
  }
}

function entriesOf(found: unknown, wrong: Wrong, hint: string): [name: string, value: unknown][] {
  if (typeof found === 'object' && found !== null && !Array.isArray(found)) return Object.entries(found)
  throw wrong(kindOf(found), hint)
}

const isScalar = (value: unknown): value is string | number | boolean =>
  typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))

/** In words; a value may be long, or not meant to be shown. */
function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing'
  if (typeof value === 'number') return Number.isFinite(value) ? 'a number' : `the number ${value}`
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

function shownCursor(cursor: unknown): RequestContext['cursor'] {
  if (cursor === null || cursor === undefined) return null
  if (isScalar(cursor) || (Array.isArray(cursor) && cursor.every(isScalar))) return cursor
  return JSON.stringify(cursor)
}
