/** Credentials that are secrets themselves, or made of them for each request. No server issues them. */
import { z } from 'zod'
import { secretRef } from '../secret.ts'
import { scheme } from './token-request.ts'
import { secretsIn, secretValue, textValue } from './value.ts'

export const bearerSpec = z.strictObject({ kind: z.literal('bearer'), token: secretValue, scheme })

const KEY_NAME = 'X-API-Key'

export const apiKeySpec = z
  .strictObject({
    kind: z.literal('api-key'),
    key: secretValue,
    /** `body`: in the JSON body, where `name` may be a pointer; `form`: a field of the form. */
    in: z.enum(['header', 'query', 'body', 'form', 'cookie']).default('header'),
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
    username: textValue,
    /** Some APIs take a key as the user name, and no password. */
    password: z.union([secretValue, z.literal('')], PASSWORD),
  })
  .refine((spec) => secretsIn(spec).length > 0, {
    error: "is empty, and the user name is not a secret('NAME') either",
    path: ['password'],
    params: { rule: true },
  })

/** A request as a signature covers it: what is sent, byte for byte. Header names are in lower case. */
export type SignedRequest = {
  method: 'GET' | 'POST'
  url: URL
  headers: Readonly<Record<string, string>>
  body: string | undefined
}
export type SigningContext<Names extends string = string> = {
  secrets: Readonly<Record<Names, string>>
  /** Milliseconds since the epoch. */
  nowMs: number
  /** In [0, 1). */
  random(): number
}
export type AuthChanges = { headers?: Record<string, string>; query?: Record<string, string> }

export const customSpec = z.strictObject({
  kind: z.literal('custom'),
  secrets: z.record(z.string(), secretRef).refine((secrets) => Object.keys(secrets).length > 0, 'names no secret'),
  /** The parameters that `apply` may add to the query; redacted wherever a URL is shown. */
  query: z.array(z.string().min(1)).default([]),
  apply: z.custom<(request: SignedRequest, context: SigningContext) => AuthChanges>(
    (value) => typeof value === 'function',
    'expected a function that returns { headers, query }',
  ),
})
