/** Credentials that are secrets themselves, or made of them for each request. No server issues them. */
import { z } from 'zod'
import { secretRef } from '../secret.ts'
import { schemeField } from './token-request.ts'
import { secretsIn, secretValue, textValue } from './value.ts'

export const bearerSpec = z.strictObject({
  kind: z.literal('bearer'),
  /** The token: `secret('SHOP_TOKEN')`. */
  token: secretValue,
  ...schemeField,
})

const KEY_NAME = 'X-API-Key'

export const apiKeySpec = z
  .strictObject({
    kind: z.literal('api-key'),
    /** The key: `secret('SHOP_KEY')`, or `concat('prefix-', secret('SHOP_KEY'))`. */
    key: secretValue,
    /**
     * Where it goes: into a header, the query, the JSON body, the form or a cookie. @default 'header'
     */
    in: z.enum(['header', 'query', 'body', 'form', 'cookie']).default('header'),
    /** Of the header, parameter, field or cookie. In the JSON body a name or a pointer. @default 'X-API-Key' */
    name: z.string().min(1).default(KEY_NAME),
  })
  .refine((spec) => ['header', 'query'].includes(spec.in) || spec.name !== KEY_NAME, {
    error: 'is missing: no body, form or cookie has a usual name for a key',
    path: ['name'],
    params: { rule: true },
  })

const PASSWORD = "expected secret('NAME'): a declaration holds the name of a secret, never the secret; or '' for none"

export const basicSpec = z
  .strictObject({
    kind: z.literal('basic'),
    /** The user name: a text or `secret('SHOP_USER')`. */
    username: textValue,
    /** The password: `secret('SHOP_PASSWORD')`; '' where the user name is a key. */
    password: z.union([secretValue, z.literal('')], PASSWORD),
  })
  .refine((spec) => secretsIn(spec).length > 0, {
    error: "is empty, and the user name is not a secret('NAME') either",
    path: ['password'],
    params: { rule: true },
  })

/** A request as a signature covers it: what is sent, byte for byte. Header names are in lower case. */
export type SignedRequest = {
  /** The HTTP method. */
  method: 'GET' | 'POST' | 'DELETE'
  /** The whole URL, with its query. */
  url: URL
  /** By lower-case names. */
  headers: Readonly<Record<string, string>>
  /** The text that is sent; undefined without a body. */
  body: string | undefined
}
export type SigningContext<Names extends string = string> = {
  /** The values of the declared secrets, by name. */
  secrets: Readonly<Record<Names, string>>
  /** Milliseconds since the epoch. */
  nowMs: number
  /** A number in [0, 1). */
  random(): number
}
/** What `apply` adds to a request. */
export type AuthChanges = {
  /** Headers that are set: `{ 'x-signature': '…' }`. */
  headers?: Record<string, string>
  /** Parameters that are added to the query; each is named in `query` of `customAuth`. */
  query?: Record<string, string>
}

export const customSpec = z.strictObject({
  kind: z.literal('custom'),
  /** The secrets that `apply` gets, by name: `{ key: secret('SHOP_KEY') }`. */
  secrets: z.record(z.string(), secretRef).refine((secrets) => Object.keys(secrets).length > 0, 'names no secret'),
  /** The parameters that `apply` may add to the query; redacted wherever a URL is shown. @default [] */
  query: z.array(z.string().min(1)).default([]),
  /** Pure; called for every attempt. Returns the headers and parameters to add. */
  apply: z.custom<(request: SignedRequest, context: SigningContext) => AuthChanges>(
    (value) => typeof value === 'function',
    'expected a function that returns { headers, query }',
  ),
})
