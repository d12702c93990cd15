/**
 * One stream of a document: asked where the API takes the request, else from the document alone, with the reason. Its
 * path gets values from the records of its parent, or those that the document offers.
 */
import { messageOf } from '#shared/errors.ts'
import type { Endpoint } from '../asked/endpoint.ts'
import { type AskedApi, type AskOptions, askEndpoint, type EndpointFindings } from '../asked/findings.ts'
import type { Known } from '../known.ts'
import { describedFindings, hintedPaging } from './described-findings.ts'
import type { DocumentStream } from './read-document.ts'

export type SettledStream = {
  stream: DocumentStream
  endpoint: Endpoint
  findings: EndpointFindings
  /** Those in its path that it was asked with. */
  values: Readonly<Record<string, string>>
  /** Of an API that was asked; to be closed by the caller. */
  asked: AskedApi | null
  /** Why it was not asked, or not successfully; null where it was. */
  reason: string | null
  /** The error, if the API was asked in vain. */
  error: unknown
}

export type SettleTools = Omit<AskOptions, 'endpoint' | 'said'> & {
  name: string
  /** Common to all streams. */
  known: Pick<Known, 'credentials' | 'headers'> & { baseUrl: string }
  /** False: nothing is asked any more. */
  mayAsk: boolean
  /** Why not. */
  whyNot: string
  /** Settled before, by name. */
  settled: ReadonlyMap<string, SettledStream>
}

/** Records of the parent whose lists are tried: the first may be empty. */
const PARENTS_TRIED = 3
const SAID = { paging: null, key: null, watermark: null }

export async function settleStream(stream: DocumentStream, tools: SettleTools): Promise<SettledStream> {
  const { mayAsk, whyNot } = tools
  const [first, ...others] = valuesFor(stream, tools)
  const described = (reason: string, error: unknown = null): SettledStream => ({
    ...{ stream, endpoint: endpointFor(stream, stream.path, tools), findings: describedFindings(stream) },
    ...{ values: {}, asked: null, reason, error },
  })
  if (stream.missingParams.length > 0) return described(`needs a value for ${stream.missingParams.join(', ')}`)
  if (!mayAsk) return described(whyNot)
  if (first === undefined) return described('needs values for its path')
  let error: unknown
  for (const values of [first, ...others]) {
    try {
      const endpoint = endpointFor(stream, filled(stream.path, values), tools)
      const asked = await askEndpoint({ ...tools, endpoint, said: SAID })
      const findings = withHint(asked.findings, stream)
      return { ...{ stream, endpoint, findings, values, asked }, reason: null, error: null }
    } catch (caught) {
      tools.signal.throwIfAborted()
      error = caught
    }
  }
  return described(messageOf(error), error)
}

function endpointFor(stream: DocumentStream, path: string, { name, known }: SettleTools): Endpoint {
  const { params, schema, recordsAt, paramNames, description } = stream
  return {
    name,
    stream: stream.stream,
    known: {
      ...known,
      path,
      schema,
      recordsAt,
      paramNames,
      ...(Object.keys(params).length === 0 ? {} : { params }),
      ...(description === null ? {} : { description }),
    },
  }
}

/** Sets of values for its path, to be tried in turn; empty where there are none. */
function valuesFor({ pathValues }: DocumentStream, { settled }: SettleTools): Readonly<Record<string, string>>[] {
  if (pathValues === null) return [{}]
  const { parent, offered, names } = pathValues
  const above = parent === null ? undefined : settled.get(parent.stream)
  const records = above?.asked?.findings.paging.pages.flat() ?? []
  const found = records.flatMap((record) => {
    const value = (record as Record<string, unknown>)[parent?.field ?? '']
    const isValue = typeof value === 'string' || typeof value === 'number'
    return isValue ? [{ ...above?.values, [names.at(-1) ?? '']: String(value) }] : []
  })
  return [...found.slice(0, PARENTS_TRIED), ...offered.slice(0, 1)]
}

const filled = (path: string, values: Readonly<Record<string, string>>): string =>
  path.replace(/\{([^{}]+)\}/g, (whole, name: string) =>
    Object.hasOwn(values, name) ? encodeURIComponent(values[name] ?? '') : whole,
  )

/**
 * A list that is short today may have a second page tomorrow. So a way of paging that ends well without one is taken
 * from the document.
 */
function withHint(findings: EndpointFindings, { paging: hint }: DocumentStream): EndpointFindings {
  const { paging } = findings
  if (hint === null || paging.candidate.kind !== 'none' || paging.open !== null) return findings
  if (hint.kind !== 'page-number' && hint.kind !== 'offset' && hint.kind !== 'link-header') return findings
  const why = `the document; ${paging.candidate.why}`
  return { ...findings, paging: { ...paging, candidate: hintedPaging(hint, why) } }
}
