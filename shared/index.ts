/** What a declaration imports: `import { cursor, defineSource, secret, z } from 'headrace'`. */
export { z } from 'zod'
export type { FailedAnswer, FailedFunction } from './declare/answers.ts'
export {
  type AuthChanges,
  apiKey,
  basic,
  bearer,
  customAuth,
  jwtBearer,
  jwtSigned,
  oauth2ClientCredentials,
  oauth2RefreshToken,
  type SignedRequest,
  type SigningContext,
} from './declare/auth.ts'
export { column, decimal, epochMs, epochSeconds, int64 } from './declare/fields.ts'
export type { RequestChanges, WalkAnswer, WalkPage, WalkTools } from './declare/paginate/generator.ts'
export {
  cursor,
  generator,
  graphql,
  keyset,
  linkHeader,
  nextUrl,
  none,
  offset,
  pageNumber,
  windows,
} from './declare/paginate.ts'
export { type DiscoverTools, discover, parent } from './declare/partitions.ts'
export { optional } from './declare/place.ts'
export type { RequestFacts } from './declare/quota.ts'
export { secret, setting } from './declare/secret.ts'
export { defineSource, type EnvelopeContext, type RequestContext } from './declare/source.ts'
export type { TokenStore } from './declare/token-store.ts'
