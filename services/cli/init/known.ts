/**
 * What is known of an endpoint before its API is asked: from options, from a curl command line, from a description of
 * the API. Asking the API completes it with two real pages. It never holds a secret, only names of the environment
 * variables that hold one.
 */

/** A text, or the name of the environment variable that holds it as a secret. */
export type KnownText = string | { secret: string }

/** How the source authenticates. Every `secret` is the name of an environment variable, such as SHOP_TOKEN. */
export type KnownCredentials =
  | { kind: 'bearer'; secret: string; scheme?: string }
  /** Several keys go together, each by the name of its header or parameter; in a body or form there is one. */
  | { kind: 'api-key'; in: 'header' | 'query' | 'body' | 'form'; keys: Record<string, { secret: string }> }
  /** The password '' is for an API whose key is the user name. */
  | { kind: 'basic'; username: KnownText; password: { secret: string } | '' }
  | {
      kind: 'oauth2-client-credentials'
      /** Absolute, or a path below the base URL. */
      tokenUrl: string
      clientId: KnownText
      clientSecret: { secret: string }
      scope?: string
    }

/** JSON Schema, draft 2020-12. */
export type KnownSchema = { readonly [keyword: string]: unknown }

export type Known = {
  /** Without it, the caller's `--url` names it. */
  baseUrl?: string
  /** Below the base URL; starts with /. */
  path: string
  /** GET by default. */
  method?: 'GET' | 'POST'
  /** Of the query, as the first request sends them. */
  params?: Record<string, string>
  headers?: Record<string, KnownText>
  /** A JSON body, or a form: one of them at most. */
  body?: Record<string, unknown>
  form?: Record<string, string>
  credentials?: KnownCredentials
  /** Of one record. All `$ref` are resolved or point into its own `$defs`. */
  schema?: KnownSchema
  /** One line: the comment at the head of the declaration. */
  description?: string
  /** RFC 6901 pointer to the array of records; "" if the whole response is the array. */
  recordsAt?: string
  /** Names of parameters that the endpoint takes, sent or not: candidates for paging and for the watermark. */
  paramNames?: readonly string[]
  /** Name of the stream; by default from the path. */
  stream?: string
}
