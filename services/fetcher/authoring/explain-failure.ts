/**
 * What went wrong while an author tried a source, with what helps to fix it. That is the field of the declaration, the
 * request, and the beginning of the response.
 */
import type { Stream } from '#shared/declaration/compile.ts'
import { HeadraceError, messageOf } from '#shared/errors.ts'
import { redactUrl } from '#shared/redact/url.ts'
import { excerptOf, secretParamsOf } from '../http/describe.ts'
import { rawText } from '../validate/deep-json.ts'
import type { Api } from './api.ts'

export type FailureExplanation = {
  code: string
  message: string
  hint?: string
  /** Of the declaration. */
  field?: string
  /** The request with the faulty response, if the message does not name it. */
  request?: string
  /** The beginning of that response. */
  answer?: string
}

const FIELDS: Readonly<Record<string, string>> = {
  HR_SECRET_MISSING: 'auth',
  HR_CREDENTIALS_REFUSED: 'auth',
  HR_REFRESH_TOKEN_DEAD: 'auth',
  HR_PRIVATE_KEY: 'auth.privateKey',
  HR_SHARED_SECRET: 'auth.sharedSecret',
  HR_TOKEN_URL: 'auth.tokenUrl',
  HR_TOKEN_UNAVAILABLE: 'auth.tokenUrl',
  HR_BASE_URL: 'baseUrl',
  HR_PAGE_FAILED: 'baseUrl',
  HR_PAGE_REFUSED: 'path',
  HR_PAGE_UNREADABLE: 'path',
  HR_PAGE_SKIPPED: 'answers',
  HR_QUOTA_WEIGHT: 'quota',
  HR_ORIGIN_REFUSED: 'allowOrigins',
  HR_NO_RECORDS: 'records',
  HR_NO_NEXT_PAGE: 'paginate',
  HR_WALK_SHORT: 'paginate',
  HR_ENVELOPE: 'envelope',
  HR_REPEATED_PAGE: 'paginate',
  HR_EMPTY_PAGES: 'paginate',
  HR_KEY_STUCK: 'paginate',
  HR_WINDOW_CAPPED: 'paginate',
  HR_GRAPHQL_ERROR: 'paginate',
  HR_GENERATOR: 'paginate',
  HR_JOB_HANDLE: 'paginate.job',
  HR_JOB_STATUS: 'paginate.status',
  HR_JOB_FILES: 'paginate.download',
  HR_JOB_FAILED: 'paginate',
  HR_JOB_LATE: 'paginate.deadline',
  HR_JOB_GONE: 'paginate',
  HR_PARKED: 'quota',
}
/** Errors about the content of a response that was read. */
const BY_CONTENT: readonly string[] = [
  'HR_NO_RECORDS',
  'HR_NO_NEXT_PAGE',
  'HR_WALK_SHORT',
  'HR_ENVELOPE',
  'HR_REPEATED_PAGE',
  'HR_EMPTY_PAGES',
  'HR_ORIGIN_REFUSED',
  'HR_JOB_HANDLE',
  'HR_JOB_STATUS',
  'HR_JOB_FILES',
  'HR_JOB_FAILED',
]

/** `api` is null if it could not be opened. Secrets are replaced. */
export function explainFailure(error: unknown, stream: Stream, api: Api | null): FailureExplanation {
  const code = error instanceof HeadraceError ? error.code : 'HR_DEFECT'
  const field = FIELDS[code]
  const explanation: FailureExplanation = {
    code,
    message: messageOf(error),
    ...(error instanceof HeadraceError && error.hint !== undefined ? { hint: error.hint } : {}),
    ...(field === undefined ? {} : { field }),
    ...(BY_CONTENT.includes(code) ? answerOf(stream, api) : {}),
  }
  return api === null ? explanation : api.redactor.value(explanation)
}

function answerOf({ source }: Stream, api: Api | null): Pick<FailureExplanation, 'request' | 'answer'> {
  const answer = api?.answers.at(-1)
  if (api === null || answer === undefined) return {}
  const { method, url } = answer.request
  return {
    request: `${method} ${redactUrl(url, secretParamsOf(source))}`,
    // Masked before it is cut: a part of a secret would not be recognised.
    answer: excerptOf(api.redactor.text(rawText(answer.body))),
  }
}
