/**
 * The body of a request as it is sent: JSON, or a form as HTML defines it (application/x-www-form-urlencoded). Pure.
 */
import type { PageRequest } from './messages.ts'

/** Null for a request without a body. */
export function bodyText({ body, encoding }: PageRequest): { text: string; type: string } | null {
  if (body === undefined) return null
  if (encoding !== 'form') return { text: JSON.stringify(body), type: 'application/json' }
  const form = new URLSearchParams()
  for (const [name, value] of Object.entries(Object(body)))
    for (const each of [value].flat()) form.append(name, String(each))
  return { text: form.toString(), type: 'application/x-www-form-urlencoded' }
}
