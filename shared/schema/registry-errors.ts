/** Errors of the schema registry, each with a hint: those of the client package name neither cause nor remedy. */
import { messageOf, Stopped, Unavailable } from '../errors.ts'
import { redactUrl } from '../redact/url.ts'
import { closedHints, REGISTRY_TLS_OPTIONS, tlsFaultOf } from '../tls/explain.ts'
import type { SchemaDifference } from './compatibility.ts'

/** An answer that no registry gives. */
export class ForeignAnswer extends Error {}

export function refused(subject: string, changes: readonly SchemaDifference[], cause: unknown): Stopped {
  const shown = changes
    .map((change) => `\n    ${change.additive ? '+' : '!'} ${change.path}: ${change.change}`)
    .join('')
  const words = cause === null ? '' : `; the registry says: ${messageOf(cause)}`
  return new Stopped(
    'HR_SCHEMA_REFUSED',
    `${subject}: the declared schema does not fit the registered one${words}${shown}`,
    {
      hint: 'add fields as optional and keep the others as they are; for a breaking change, declare a new stream',
    },
  )
}

export function unavailable(url: string, error: unknown): Unavailable {
  const at = new URL(url).host
  if (error instanceof ForeignAnswer) {
    return new Unavailable(
      'HR_REGISTRY_FOREIGN',
      `${redactUrl(url)} does not answer like a schema registry: ${error.message}`,
      {
        hint:
          'check SCHEMA_REGISTRY_URL: is the path of its Confluent API missing, such as /apis/ccompat/v7, ' +
          'or does a proxy answer in its place?',
      },
    )
  }
  const status = statusOf(error)
  if (status === 401 || status === 403) {
    return new Unavailable(
      'HR_REGISTRY_REFUSED',
      `the schema registry at ${at} refuses these credentials (${status})`,
      {
        hint: 'check SCHEMA_REGISTRY_USER and SCHEMA_REGISTRY_PASSWORD',
      },
    )
  }
  const fault = tlsFaultOf(error, REGISTRY_TLS_OPTIONS)
  if (fault !== null)
    return new Unavailable('HR_REGISTRY', `no connection to the schema registry at ${at}: ${fault.message}`, {
      hint: fault.hint,
      cause: error,
    })
  return new Unavailable('HR_REGISTRY', `the schema registry at ${at} does not answer: ${ownWords(error)}`, {
    hint: [
      'check SCHEMA_REGISTRY_URL and that the registry runs',
      ...closedHints(error, url, REGISTRY_TLS_OPTIONS),
      'its Confluent API may have a path of its own, such as /apis/ccompat/v7',
    ].join('; '),
    cause: error,
  })
}

/** The client starts its messages with its name, and gives a request that never arrived the status 400. */
function ownWords(error: unknown): string {
  return messageOf(error).replace(
    /^Confluent_Schema_Registry - (Error, status 400: (?=connect |getaddrinfo |socket |read ))?/,
    '',
  )
}

export function statusOf(error: unknown): number | undefined {
  return error instanceof Error && 'status' in error && typeof error.status === 'number' ? error.status : undefined
}
