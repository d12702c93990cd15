/** What a declaration imports: `import { cursor, defineSource, secret, z } from 'headrace'`. */
export { z } from 'zod'
export type { FailedAnswer, FailedFunction, FailedResponse } from './declaration/answers.ts'
export { base64, concat, type TextValue } from './declaration/auth/value.ts'
export {
  type AuthChanges,
  apiKey,
  basic,
  bearer,
  customAuth,
  jwtBearer,
  jwtSigned,
  oauth2ClientCredentials,
  oauth2Password,
  oauth2RefreshToken,
  type SignedRequest,
  type SigningContext,
  sessionToken,
} from './declaration/auth.ts'
export {
  csv,
  type DecodeFunction,
  gunzip,
  json,
  jsonl,
  lenientJson,
  xml,
  zip,
} from './declaration/decode.ts'
export { type DiscoverTools, discover, parent, product, union } from './declaration/discovery.ts'
export { column, decimal, epochMs, epochSeconds, int64 } from './declaration/fields.ts'
export { type InstantOptions, instant, timeText } from './declaration/instant-field.ts'
export type { JudgedFailure, JudgedResponse, JudgeFunction } from './declaration/judge.ts'
export type { JobAnswer, JobContext } from './declaration/paginate/export-job.ts'
export type { RequestChanges, WalkAnswer, WalkPage, WalkTools } from './declaration/paginate/generator.ts'
export {
  cursor,
  exportJob,
  generator,
  graphql,
  keyset,
  linkHeader,
  nextUrl,
  none,
  offset,
  pageNumber,
  windows,
} from './declaration/paginate/paginate.ts'
export type { ParentContext } from './declaration/parent.ts'
export { optional } from './declaration/place.ts'
export type { RequestFacts } from './declaration/quota.ts'
export type { RecordContext } from './declaration/record-functions.ts'
export { secret, setting } from './declaration/secret.ts'
export {
  type ComputedHeaders,
  type ComputedPairs,
  defineSource,
  type EnvelopeContext,
  type RequestContext,
} from './declaration/source-spec.ts'
export { todo } from './declaration/todo.ts'
export type { TokenStore } from './declaration/token-store.ts'
