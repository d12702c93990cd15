/** A token that a login gives: the login request, where its answer has the token, and how long the token is used. */
import { z } from 'zod'
import { apiKeySpec, basicSpec, bearerSpec, customSpec } from './fixed.ts'
import { jwtSignedSpec } from './jwt.ts'
import { credentialPlaceField, lifeSpec, requestHeaders, tokenPlace, tokenUrl } from './token-request.ts'
import { jsonFields, scalarFields, secretsIn } from './value.ts'

const loginSpec = z
  .strictObject({
    /** The login's address: `'/login'` below `baseUrl`, a whole URL, or `setting('NAME', fallback)`. */
    url: tokenUrl,
    /** The HTTP method. @default 'POST' */
    method: z.enum(['POST', 'GET']).default('POST'),
    /** Headers of the login: `{ 'X-Client': 'me' }`. @default {} */
    headers: requestHeaders.default({}),
    /** Query parameters of the login. @default {} */
    params: scalarFields.default({}),
    /** The body as JSON: `{ user: 'me', password: secret('SHOP_PASSWORD') }`. */
    json: jsonFields.optional(),
    /** The body as a form: `{ user: 'me', password: secret('SHOP_PASSWORD') }`. */
    form: scalarFields.optional(),
    /** Credentials of the login itself: `basic({ … })`, `bearer(…)`, `apiKey({ … })`, `jwtSigned({ … })`. */
    auth: z.discriminatedUnion('kind', [basicSpec, bearerSpec, apiKeySpec, jwtSignedSpec, customSpec]).optional(),
  })
  .superRefine((login, context) => {
    const refuse = (field: string, message: string) =>
      context.addIssue({ code: 'custom', message, path: [field], params: { rule: true } })
    const { method, json, form } = login
    if (json !== undefined && form !== undefined)
      refuse('form', 'the login has a JSON body already: declare one of them')
    else if (method === 'GET' && json !== undefined)
      refuse('json', "a GET has no body: declare params, or method: 'POST'")
    else if (method === 'GET' && form !== undefined)
      refuse('form', "a GET has no body: declare params, or method: 'POST'")
  })
export type LoginSpec = z.infer<typeof loginSpec>

export const sessionTokenSpec = z.strictObject({
  kind: z.literal('session-token'),
  /** The request that gives the token: `{ url: '/login', json: { … } }`. */
  login: loginSpec.refine((login) => secretsIn(login).length > 0, {
    error: 'names no secret: nothing proves to the API who logs in',
    params: { rule: true },
  }),
  /** Where its answer has the token: `'/token'`, `{ header: 'X-Token' }` or `{ cookie: 'session' }`. */
  token: tokenPlace,
  ...credentialPlaceField,
  /** How long it is used: `'2h'` or `'/expires_in'`. Without it, until the API refuses it. */
  life: lifeSpec.optional(),
})
