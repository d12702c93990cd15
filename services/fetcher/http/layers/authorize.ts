/**
 * Puts the credentials into a copy of the request, and only for the source's own origin. An origin that the source
 * allows receives neither credentials nor the declared headers; any other is refused. A 401 renews what can be renewed
 * and retries once. A second 401 is an error of the credentials, unless the stream declares its meaning. What leaves
 * this layer (response, request, error) holds no secret.
 */
import type { Source } from '#shared/declaration/compile.ts'
import { Stopped } from '#shared/errors.ts'
import { hasMark, reveal, withoutMarks } from '../auth/conceal.ts'
import type { Credentials } from '../auth/credentials.ts'
import { describeRequest } from '../describe.ts'
import { AttemptFailed, CredentialsRefused } from '../errors.ts'
import type { Exchange, Layer, PageRequest, PageResponse, Send } from '../messages.ts'
import { redactorOfFile } from '../signed-urls.ts'
import type { Reach } from '../vetting.ts'

const UNAUTHORIZED = 401
/** Headers sent to another origin. The declared headers are for the API and may hold a key of their own. */
const NEUTRAL_HEADERS: readonly string[] = ['accept', 'accept-language', 'content-type']

export function authorize(
  source: Source,
  reach: Reach,
  credentials: Credentials,
  isDeclared: (status: number, stream: string) => boolean,
): Layer {
  return (next) => {
    const send = clean(next, credentials)
    return async (request, exchange) => {
      reach.refuse(request, exchange.file)
      if (reach.isOwn(request.url)) {
        const { response, token } = await withCredentials(credentials, send, request, exchange)
        const declared = response.verdict?.declared === true || isDeclared(UNAUTHORIZED, exchange.stream)
        if (response.status !== UNAUTHORIZED || declared) return response
        credentials.rejected(token)
        throw refused(source, credentials, request, response)
      }
      const plain = withoutDeclaredHeaders(request)
      return { ...(await send(signedFile(plain, exchange), { ...exchange, ...shownAs(request, exchange) })), request }
    }
  }
}

type Answered = { response: PageResponse; token: string | null }

async function withCredentials(
  credentials: Credentials,
  send: Send,
  request: PageRequest,
  exchange: Exchange,
): Promise<Answered> {
  const ask = async () => {
    // What does not change is in the request before a signature covers it; a token is known only after `apply`.
    const fixed = credentials.known().filter(({ isToken }) => isToken !== true)
    const asked = { ...request, url: reveal(request.url, fixed) }
    const applied = await credentials.apply(signedFile(asked, exchange), exchange.signal)
    const url = reveal(applied.request.url, credentials.known())
    if (hasMark(url)) throw unknownMark(exchange)
    const response = await send(
      { ...applied.request, url },
      hasMark(request.url) ? { ...exchange, shown: request } : { ...exchange, ...shownAs(request, exchange) },
    )
    return { response: { ...response, request }, token: applied.token }
  }
  const first = await ask()
  if (first.response.status !== UNAUTHORIZED || !(await credentials.renew(first.token, exchange.signal))) return first
  return ask()
}

/** The declaration had another credential when the cursor was stored. */
function unknownMark({ stream }: Exchange): Stopped {
  return new Stopped(
    'HR_CURSOR',
    `${stream}: the stored link is to have a credential that the source does not declare any more`,
  )
}

function refused(
  source: Source,
  credentials: Credentials,
  request: PageRequest,
  { body }: PageResponse,
): CredentialsRefused {
  const said = body === '' ? '' : `: ${String(body)}`
  return new CredentialsRefused(
    `${describeRequest(source, request)} was refused with 401, the credentials are not accepted${said}`,
    {
      hint: credentials.hint,
    },
  )
}

/** With the query of its URL, which may be signed. */
function signedFile(request: PageRequest, { file }: Exchange): PageRequest {
  if (file === undefined || file.query === '') return request
  const url = new URL(request.url)
  url.search = file.query
  return { ...request, url }
}

const shownAs = (request: PageRequest, { file }: Exchange): Pick<Exchange, 'shown'> =>
  file === undefined ? {} : { shown: request }

/** Some APIs quote the key that they refuse, and storage services quote what they have signed. */
function clean(next: Send, { redact: withoutSecrets }: Credentials): Send {
  return async (request, exchange) => {
    const redact = exchange.file === undefined ? withoutSecrets : redactorOfFile(exchange.file, withoutSecrets)
    try {
      const response = await next(request, exchange)
      const { verdict } = response
      if (verdict?.kind === 'page') return { ...response, redact }
      const says = verdict?.says == null ? null : redact(verdict.says)
      return {
        ...response,
        body: redact(String(response.body)),
        ...(verdict === undefined ? {} : { verdict: { ...verdict, says } }),
      }
    } catch (error) {
      if (error instanceof AttemptFailed) throw new AttemptFailed(error.reason, redact(error.message))
      throw error
    }
  }
}

const withoutDeclaredHeaders = (request: PageRequest): PageRequest => ({
  ...request,
  url: withoutMarks(request.url),
  headers: Object.fromEntries(Object.entries(request.headers).filter(([name]) => NEUTRAL_HEADERS.includes(name))),
})
