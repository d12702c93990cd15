/**
 * Asks an API for two pages of an endpoint, and finds what a declaration must say: records, paging, key, types,
 * watermark, quota. The requests are few and bounded, go through the client of a run, and are logged as its own are.
 */
import { Stopped } from '#shared/errors.ts'
import { z } from '#shared/index.ts'
import { SECOND_MS } from '#shared/units.ts'
import { type Api, type ApiTools, openApi } from '../../../fetcher/authoring/api.ts'
import type { PageResponse } from '../../../fetcher/http/messages.ts'
import { namedQuotas } from '../../../fetcher/http/retry-after/rate-limit-headers.ts'
import { firstRequest } from '../../../fetcher/pages/first-request.ts'
import { describedFields } from '../guess/described-types.ts'
import { guessKey, type KeyGuess } from '../guess/key.ts'
import type { PagingCandidate, PagingFacts } from '../guess/paging-facts.ts'
import { type FoundRecords, findRecords, recordsAt } from '../guess/records.ts'
import type { FieldType } from '../guess/type.ts'
import { type Renaming, renamed, renamingOf } from '../guess/underscores.ts'
import { fieldTypes, isFields } from '../guess/value-types.ts'
import { sinceParams, type WatermarkCandidate, watermarkCandidates } from '../guess/watermark.ts'
import { type Endpoint, pagingInput, trialStream } from './endpoint.ts'
import { type FoundPaging, findPaging } from './find-paging.ts'
import { type FoundWatermark, findWatermark } from './find-watermark.ts'
import { askedOnce, type TrialTools } from './try-paging.ts'

/** What the caller has said: it is not guessed. */
export type Said = {
  paging: PagingCandidate | null
  key: readonly string[] | null
  /** 'none': there is none. */
  watermark: { field: string; param: string } | 'none' | null
}

export type EndpointFindings = {
  records: FoundRecords
  paging: FoundPaging
  fields: readonly FieldType[]
  renaming: Renaming | null
  key: KeyGuess
  watermark: FoundWatermark | null
  /** Fields that could be one, if the API took a parameter for it. */
  watermarks: readonly WatermarkCandidate[]
  quota: { requests: number; per: string; why: string | null }
  counts: { records: number; pages: number }
}

export type AskOptions = Omit<ApiTools, 'requestsMax'> & { endpoint: Endpoint; said: Said; signal: AbortSignal }
export type AskedApi = { findings: EndpointFindings; api: Api; tools: TrialTools }

/** All requests of one `init`, repeated ones included. */
const REQUESTS_MAX = 20
/** More records say no more of their types. */
const RECORDS_MAX = 2_000

/** Throws what the client throws, and Stopped for a response that nothing can be guessed from. */
export async function askEndpoint({ endpoint, said, signal, ...options }: AskOptions): Promise<AskedApi> {
  const plain = trialStream(endpoint, {})
  const api = openApi(plain.source, { ...options, requestsMax: REQUESTS_MAX })
  try {
    const startedMs = options.clock.nowMs()
    const tools: TrialTools = { endpoint, send: askedOnce(api.send), signal, startedMs }
    const request = firstRequest(plain, endpoint.known.baseUrl, 0, null)
    const answer = await tools.send(request, { signal, stream: plain.label, decode: plain.decode })
    return { findings: await findingsOf(answer, said, tools), api, tools }
  } catch (error) {
    await api.close()
    throw error
  }
}

async function findingsOf(answer: PageResponse, said: Said, tools: TrialTools): Promise<EndpointFindings> {
  const { known, stream } = tools.endpoint
  const records = placeOf(answer, tools.endpoint)
  const first = recordsAt(answer.body, records.pointer) ?? []
  if (first.length === 0 || !first.every(isFields)) throw unusable(records, first.length)
  const facts: PagingFacts = {
    params: known.params ?? {},
    paramNames: known.paramNames ?? [],
    sent: sentBy(known),
    headers: answer.headers,
    body: answer.body,
    records: first,
    recordsPointer: records.pointer,
  }
  const paging = await findPaging(facts, said.paging, tools)
  const raw = paging.pages.flat().filter(isFields).slice(0, RECORDS_MAX)
  const renaming = renamingOf(raw)
  const all = raw.map((record) => renamed(record, renaming))
  const fields = known.schema === undefined ? fieldTypes(all) : describedFields(known.schema, all)
  const counts = { records: all.length, pages: paging.pages.length }
  const key =
    said.key === null
      ? guessKey(all, fields, { stream, pages: counts.pages })
      : { fields: said.key, why: '', doubt: null }
  const watermarks = watermarkCandidates(fields, all.length)
  return {
    ...{ records, paging, renaming, key, watermarks, counts },
    fields: required(fields, key.fields ?? []),
    watermark: await watermarkOf(said, { fields, watermarks, paging, records, renaming, raw }, tools),
    quota: quotaOf(answer),
  }
}

function placeOf({ body }: PageResponse, { known, stream }: Endpoint): FoundRecords {
  const said = known.recordsAt
  if (said !== undefined && recordsAt(body, said) !== null) return { pointer: said, why: '' }
  const found = findRecords(body, stream)
  if (found !== null) return found
  throw new Stopped('HR_NO_RECORDS', 'the response has no array of objects: nothing can be guessed from it', {
    hint: 'check the address and its parameters; or write an example without asking: --offline',
  })
}

const unusable = ({ pointer }: FoundRecords, length: number): Stopped =>
  new Stopped(
    'HR_NO_RECORDS',
    length === 0
      ? `the response has no records at "${pointer}": nothing can be guessed from it`
      : `the array at "${pointer}" has other values than objects`,
    { hint: 'ask with parameters that return records, or name their place: --records POINTER' },
  )

function sentBy({ body, form }: Endpoint['known']): PagingFacts['sent'] {
  if (body !== undefined) return { kind: 'body', fields: body }
  return form === undefined ? null : { kind: 'form', fields: form }
}

/** A key is in every record, whatever a description says. */
const required = (fields: readonly FieldType[], key: readonly string[]): FieldType[] =>
  fields.map((field) => (key.includes(field.name) ? { ...field, nullable: false, optional: false } : field))

type Found = Pick<EndpointFindings, 'fields' | 'watermarks' | 'paging' | 'records' | 'renaming'> & {
  raw: readonly unknown[]
}

async function watermarkOf(said: Said, found: Found, tools: TrialTools): Promise<FoundWatermark | null> {
  if (said.watermark === 'none') return null
  if (said.watermark !== null) return { ...said.watermark, why: '' }
  const [candidate] = found.watermarks
  const { known } = tools.endpoint
  const type = found.fields.find(({ name }) => name === candidate?.field)?.type
  // A body or form would need another place than a parameter.
  if (candidate === undefined || type?.kind !== 'scalar' || sentBy(known) !== null) return null
  const { renaming } = found
  const streamWith = (param: string) =>
    trialStream(
      tools.endpoint,
      {
        paginate: pagingInput(found.paging.candidate),
        records: found.records.pointer,
        schema: z.object({ [candidate.field]: type.type }),
        watermark: { field: candidate.field, param },
        ...(renaming === null ? {} : { map: (record: object) => renamed({ ...record }, renaming) }),
      },
      found.paging.candidate.sets,
    )
  return findWatermark(candidate.field, sinceParams(known.paramNames), found.raw, streamWith, tools)
}

/** Of an API that names none. */
export const QUOTA_DEFAULT = { requests: 60, per: '1m', why: null }

function quotaOf({ headers }: PageResponse): EndpointFindings['quota'] {
  const [tightest] = namedQuotas(headers)
    .flatMap(({ perMs, ...quota }) => (perMs === null ? [] : [{ ...quota, perMs }]))
    .sort((a, b) => a.requests / a.perMs - b.requests / b.perMs)
  if (tightest === undefined) return QUOTA_DEFAULT
  const { requests, perMs, header } = tightest
  return { requests, per: `${perMs / SECOND_MS}s`, why: `the header ${header}` }
}
