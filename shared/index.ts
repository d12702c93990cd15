/** What a declaration imports: `import { cursor, defineSource, secret, z } from 'headrace'`. */
export { z } from 'zod'
export { apiKey, basic, bearer, oauth2ClientCredentials } from './declare/auth.ts'
export { column, decimal, epochMs, epochSeconds, int64 } from './declare/fields.ts'
export { cursor, linkHeader, nextUrl, none, offset } from './declare/paginate.ts'
export { secret, setting } from './declare/secret.ts'
export { defineSource, type RequestContext } from './declare/source.ts'
