/**
 * How a token is requested, where the answer has it, and where requests of the API send it. The defaults are those of
 * OAuth 2.0 (RFC 6749); each field changes one of them.
 */
import { z } from 'zod'
import { positiveDuration } from '../duration.ts'
import { headerMistake } from '../headers.ts'
import { instant } from '../instant-field.ts'
import { countGiven, pointer } from '../place.ts'
import { placeFields } from '../request-place.ts'
import { settingRef } from '../secret.ts'
import { filledText, joinedText, jsonFields, scalarFields, secretsIn, textValue } from './value.ts'

const TOKEN_URL =
  "expected a path, an http or https URL without user name and password, setting('NAME', fallback), or concat(…)"

/**
 * A path, or a whole URL: only that leads to another origin than baseUrl's. It is shown in logs and errors, so it holds
 * no secret and no user name.
 */
export const tokenUrl = z
  .union([z.string().min(1), settingRef, joinedText], TOKEN_URL)
  .superRefine((value, context) => {
    const refuse = (message: string) => context.addIssue({ code: 'custom', message, params: { rule: true } })
    if (typeof value === 'string' && !isTokenUrl(value)) refuse(TOKEN_URL)
    if (secretsIn([value]).length > 0)
      refuse('holds a secret, and a URL is shown: send it in params, headers or fields')
  })
export type TokenUrl = z.infer<typeof tokenUrl>

const ORIGIN = 'https://api.example'

/** Of a text without a scheme, such as //other.example/token, none may lead to another origin. */
export function isTokenUrl(text: string): boolean {
  if (!URL.canParse(text, ORIGIN)) return false
  const { protocol, username, password, origin } = new URL(text, ORIGIN)
  const isWhole = /^https?:\/\//i.test(text)
  return ['http:', 'https:'].includes(protocol) && username === '' && password === '' && (isWhole || origin === ORIGIN)
}

const headerName = z
  .string()
  .refine((name) => headerMistake(name) === null, 'expected the name of a header that a declaration may set')
const cookieName = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'expected the name of a cookie')

/** Headers of a token request or a login. */
export const requestHeaders = z.record(z.string(), textValue).superRefine((given, context) => {
  for (const [name, value] of Object.entries(given)) {
    const message = headerMistake(name, typeof value === 'string' ? value : '')
    if (message !== null) context.addIssue({ code: 'custom', message, path: [name] })
  }
})

/**
 * The text before a credential and a blank, if not Bearer: 'JWT', 'Token', 'Zoho-oauthtoken'. `{token}` in it stands
 * for the credential: 'Token token="{token}"'. Null: the credential alone.
 */
const schemeSpec = z
  .string("expected a text such as 'JWT', or null for none")
  .min(1, "expected a text such as 'JWT', or null for none")
  .regex(/^[\x20-\x7e]+$/, 'expected printable ASCII on one line')
  .nullable()
  .optional()

export const schemeField = {
  /** The word before the token: `'JWT'`, `'Token'`, or null for none. In Authorization, it is Bearer without this. */
  scheme: schemeSpec,
}

/** Without a place, the header Authorization. */
const credentialPlace = z
  .strictObject({
    ...placeFields,
    /** Or the cookie that takes it: `'session'`. */
    cookie: cookieName.optional(),
    ...schemeField,
  })
  .refine(({ param, header, body, form, cookie }) => countGiven(param, header, body, form, cookie) <= 1, {
    error: 'name the one place that takes the token: header, param, body, form or cookie',
    params: { rule: true },
  })
export type CredentialPlace = z.infer<typeof credentialPlace>

export const credentialPlaceField = {
  /** Where requests of the API send the token: `{ header: 'X-Session' }`. Without it, the header Authorization. */
  as: credentialPlace.optional(),
}

const EXPECTED_TOKEN = "expected a JSON pointer such as /access_token, { header: 'X-Token' } or { cookie: 'session' }"
/** Where the answer has a token. The pointer "" is for a body that is the token. */
export const tokenPlace = z.union(
  [
    pointer,
    z.strictObject({
      /** The header that holds it: `'X-Token'`. */
      header: headerName,
    }),
    z.strictObject({
      /** The cookie that holds it: `'session'`. */
      cookie: cookieName,
    }),
  ],
  EXPECTED_TOKEN,
)
export type TokenPlace = z.infer<typeof tokenPlace>

const EXPECTED_LIFE = "expected a duration such as '2h', a JSON pointer such as /expires_in, or { at, as }"
const statedLife = z
  .strictObject({
    /** Where the answer states it: `'/expires_at'`. */
    at: pointer,
    /** What the value counts; by default seconds. The last three are points in time. */
    as: z.enum(['seconds', 'milliseconds', 'minutes', 'epochSeconds', 'epochMs', 'iso']).optional(),
    /** Of a point in time as a text of another form: '%Y-%m-%d %H:%M:%S'. */
    formats: z.array(z.string()).min(1).optional(),
    /** Of a text without an offset; UTC by default. */
    zone: z.string().optional(),
    /** Where the answer states none. */
    default: positiveDuration.optional(),
  })
  .superRefine(({ as, formats, zone = 'UTC' }, context) => {
    const refuse = (field: string, message: string) =>
      context.addIssue({ code: 'custom', message, path: [field], params: { rule: true } })
    if (as !== undefined && formats !== undefined) refuse('as', 'declare as or formats, not both')
    try {
      instant({ ...(formats === undefined ? {} : { formats }), zone })
    } catch (error) {
      refuse(formats === undefined ? 'zone' : 'formats', String((error as Error).message))
    }
  })
const lifePointer = z
  .string()
  .refine((at) => at !== '' && pointer.safeParse(at).success, { error: EXPECTED_LIFE, abort: true })
/** How long a token lives: a fixed time, or what the answer states. */
export const lifeSpec = z.union([lifePointer, positiveDuration, statedLife], {
  error: (issue) => (typeof issue.input === 'object' && issue.input !== null ? undefined : EXPECTED_LIFE),
})
export type LifeSpec = z.infer<typeof lifeSpec>

/** The places of an answer that OAuth 2.0 names otherwise (RFC 6749 section 5.1). */
const answerSpec = z.strictObject({
  /** The token: a pointer, `{ header: 'X-Token' }` or `{ cookie: 'session' }`. @default '/access_token' */
  token: tokenPlace.default('/access_token'),
  /** Its type. @default '/token_type' */
  type: pointer.default('/token_type'),
  /** How long it lives: a pointer, `'2h'`, or `{ at, as, default }`. @default '/expires_in' */
  life: lifeSpec.default('/expires_in'),
  /** The next refresh token. @default '/refresh_token' */
  refreshToken: pointer.default('/refresh_token'),
})
export type AnswerSpec = z.infer<typeof answerSpec>

/** The fields of a token request, by the names of OAuth 2.0. */
export const FIELD_NAMES = {
  grantType: 'grant_type',
  clientId: 'client_id',
  clientSecret: 'client_secret',
  scope: 'scope',
  audience: 'audience',
  refreshToken: 'refresh_token',
  assertion: 'assertion',
  username: 'username',
  password: 'password',
} as const
export type FieldName = keyof typeof FIELD_NAMES

const fieldName = z.string().min(1).nullable().optional()
const namesSpec = z.strictObject({
  /** Instead of `grant_type`. */
  grantType: fieldName,
  /** Instead of `client_id`. */
  clientId: fieldName,
  /** Instead of `client_secret`. */
  clientSecret: fieldName,
  /** Instead of `scope`. */
  scope: fieldName,
  /** Instead of `audience`. */
  audience: fieldName,
  /** Instead of `refresh_token`. */
  refreshToken: fieldName,
  /** Instead of `assertion`. */
  assertion: fieldName,
  /** Instead of `username`. */
  username: fieldName,
  /** Instead of `password`. */
  password: fieldName,
} satisfies Record<FieldName, typeof fieldName>)

/** Of every kind that asks a token endpoint. */
export const tokenRequestFields = {
  /** The token endpoint: `'/oauth/token'` below `baseUrl`, a whole URL, or `setting('NAME', fallback)`. */
  tokenUrl,
  /** The HTTP method of the token request. @default 'POST' */
  method: z.enum(['POST', 'GET']).default('POST'),
  /** How the fields are sent: `'form'`, `'json'` or `'query'`. Without it a form, and the query of a GET. */
  sends: z.enum(['form', 'json', 'query']).optional(),
  /** Headers of the token request: `{ 'X-Client': 'me' }`. @default {} */
  headers: requestHeaders.default({}),
  /** Query parameters of the token request, besides the fields. @default {} */
  params: scalarFields.default({}),
  /** More fields of the token request: `{ resource: 'https://api.shop.example' }`. @default {} */
  extra: jsonFields.default({}),
  /** Fields that the endpoint names otherwise: `{ clientId: 'app_id' }`. Null omits one. @default {} */
  names: namesSpec.default({}),
  /** The scopes that are requested: `'orders.read users.read'`, or a list. */
  scope: z.union([z.string(), z.array(z.string().min(1)).min(1)], 'expected a text or a list of texts').optional(),
  /** Between the scopes of a list. @default ' ' */
  scopeSeparator: z.string().min(1).default(' '),
  /** Where the answer has the token and its life: `{ token: '/data/token', life: '2h' }`. @default {} */
  answer: answerSpec.prefault({}),
  ...credentialPlaceField,
  ...schemeField,
}
/** Where the client's own credentials go: RFC 6749 section 2.3.1 prefers the header. */
export const credentialsInField = {
  /** Where the client's id and secret go in the token request: `'header'` (Basic) or `'body'`. @default 'header' */
  credentialsIn: z.enum(['header', 'body']).default('header'),
}
export const audienceField = {
  /** The parameter `audience` of the token request, where the API asks for it. */
  audience: z.string().optional(),
}
export const textOrSecret = filledText

const tokenRequestSpec = z.strictObject(tokenRequestFields)
export type TokenRequestSpec = z.infer<typeof tokenRequestSpec>
