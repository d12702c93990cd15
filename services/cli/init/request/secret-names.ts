/** Which headers, parameters and fields hold a secret, by their names. */
import { redactUrl } from '#shared/redact/url.ts'

const SECRET_HEADER = /auth|token|key|secret|session|cookie|password|signature|credential|csrf|xsrf/i
const SECRET_FIELD =
  /(api|app|access|auth|user|client|private|secret|subscription)[-_]?(key|token|secret)$|passw(or)?d|secret/i

export const isSecretHeader = (name: string): boolean => SECRET_HEADER.test(name)

/** The names that are redacted wherever a URL is shown, and those that say so themselves. */
export const isSecretField = (name: string): boolean => {
  const shown = `http://shown/?${encodeURIComponent(name)}=value`
  return redactUrl(shown) !== shown || SECRET_FIELD.test(name)
}
