/** The text of a document, from a file or an address. No credentials are sent: a document that needs them is a file. */
import { readFile, stat } from 'node:fs/promises'
import type { Proxies } from '#shared/config/config.ts'
import { messageOf, Unavailable, WrongUse } from '#shared/errors.ts'
import { redactUrl } from '#shared/redact/url.ts'
import { SECOND_MS } from '#shared/units.ts'
import { PLAIN_NETWORK } from '../../../fetcher/http/transport/connections.ts'
import { createHttp, type Http } from '../../../fetcher/http/transport/undici.ts'
import { DOCUMENT_BYTES_MAX } from './parse-document.ts'

export type LoadedDocument = {
  text: string
  /** The file or the address, as messages show it. */
  from: string
  /** Where it was at last, after redirects; null for a file. */
  address: string | null
}

export const REDIRECTS_MAX = 5
const TIMEOUT_MS = 60 * SECOND_MS
const ACCEPT = 'application/json, application/yaml, text/yaml;q=0.9, */*;q=0.5'

type Tools = { signal: AbortSignal; proxies: Proxies | undefined }

/** Throws WrongUse for what cannot be read, Unavailable for an address that does not respond. */
export async function loadDocument(where: string, tools: Tools): Promise<LoadedDocument> {
  if (!/^https?:\/\//i.test(where)) return fromFile(where)
  if (!URL.canParse(where)) throw unreadable(where, 'is not a URL')
  const network = { ...PLAIN_NETWORK, ...(tools.proxies === undefined ? {} : { proxies: tools.proxies }) }
  const http = createHttp({ bodyBytesMax: DOCUMENT_BYTES_MAX, timeoutMs: TIMEOUT_MS, network })
  try {
    return await fromAddress(where, http, AbortSignal.any([tools.signal, AbortSignal.timeout(TIMEOUT_MS)]))
  } catch (error) {
    tools.signal.throwIfAborted()
    if (error instanceof WrongUse) throw error
    throw new Unavailable('HR_OPENAPI', `${redactUrl(where)}: ${messageOf(error)}`, { hint: DOWNLOAD })
  } finally {
    await http.close()
  }
}

const DOWNLOAD = 'download the document, and give its file'

async function fromFile(path: string): Promise<LoadedDocument> {
  try {
    const { size } = await stat(path)
    if (size > DOCUMENT_BYTES_MAX) throw unreadable(path, `is larger than ${DOCUMENT_BYTES_MAX} bytes`)
    return { text: await readFile(path, 'utf8'), from: path, address: null }
  } catch (error) {
    throw error instanceof WrongUse ? error : unreadable(path, `cannot be read: ${messageOf(error)}`)
  }
}

async function fromAddress(first: string, http: Http, signal: AbortSignal): Promise<LoadedDocument> {
  let url = new URL(first)
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
    const { status, headers, text } = await http.ask(
      { method: 'GET', url, headers: { accept: ACCEPT }, body: undefined },
      signal,
    )
    if (status >= 200 && status <= 299) return { text, from: redactUrl(first), address: url.href }
    const { location } = headers
    if (status < 300 || status > 399 || location === undefined || !URL.canParse(location, url.href))
      throw unreadable(redactUrl(url.href), `responds with ${status}`)
    url = new URL(location, url)
    if (!['http:', 'https:'].includes(url.protocol)) throw unreadable(redactUrl(first), 'leads to no http or https URL')
  }
  throw unreadable(redactUrl(first), `leads through more than ${REDIRECTS_MAX} redirects`)
}

const unreadable = (where: string, why: string): WrongUse =>
  new WrongUse('HR_OPENAPI', `${where} ${why}`, {
    hint: `give a file, or an http or https URL, of the document itself; or ${DOWNLOAD}`,
  })
