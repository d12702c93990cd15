/**
 * Why there is no TLS connection, and which option changes that. Node and OpenSSL name the fault by a code or in the
 * message; client packages pass one of the two on. Pure.
 */

/** The options of one server, by their names. */
export type TlsOptions = {
  ca: string
  cert: string
  key: string
  /** Where its address is. */
  address: string
  /** What to do when the server speaks no TLS, and when it expects TLS. */
  withoutTls: string
  withTls: string
}

/** The options of the three servers. */
export const KAFKA_TLS_OPTIONS: TlsOptions = {
  ca: 'KAFKA_TLS_CA',
  cert: 'KAFKA_TLS_CERT',
  key: 'KAFKA_TLS_KEY',
  address: 'KAFKA_BROKERS',
  withoutTls: 'give the port of a TLS listener in KAFKA_BROKERS, or unset KAFKA_TLS',
  withTls: 'set KAFKA_TLS=true',
}
export const REGISTRY_TLS_OPTIONS: TlsOptions = tlsOptionsOf('SCHEMA_REGISTRY')
export const CLICKHOUSE_TLS_OPTIONS: TlsOptions = tlsOptionsOf('CLICKHOUSE')
export const TOKEN_TLS_OPTIONS: TlsOptions = {
  ...tlsOptionsOf('KAFKA_OAUTH'),
  address: 'KAFKA_OAUTH_TOKEN_URL',
  withoutTls: 'write KAFKA_OAUTH_TOKEN_URL with http://, or with its https port',
  withTls: 'write KAFKA_OAUTH_TOKEN_URL with https://',
}

function tlsOptionsOf(prefix: string): TlsOptions {
  return {
    ca: `${prefix}_TLS_CA`,
    cert: `${prefix}_TLS_CERT`,
    key: `${prefix}_TLS_KEY`,
    address: `${prefix}_URL`,
    withoutTls: `write ${prefix}_URL with http://, or with its https port`,
    withTls: `write ${prefix}_URL with https://`,
  }
}

/** `message` says it of the server: "it expects TLS". */
export type TlsFault = { message: string; hint: string }

const anyOf = (...patterns: RegExp[]): RegExp => new RegExp(patterns.map(({ source }) => source).join('|'), 'i')

type Explain = (options: TlsOptions, message: string) => TlsFault

/** The first that matches "code message" applies. */
const FAULTS: readonly [RegExp, Explain][] = [
  [
    /ERR_TLS_CERT_ALTNAME_INVALID|does not match certificate/i,
    ({ address }, message) => ({
      message: `its certificate is for another name${namesIn(message)}`,
      hint: `use a name of the certificate in ${address}; brokers also name themselves (advertised.listeners)`,
    }),
  ],
  [
    /CERT_HAS_EXPIRED|certificate has expired/i,
    () => ({
      message: 'its certificate has expired',
      hint: "renew the server's certificate; no option accepts it, and the clock of this machine must be right",
    }),
  ],
  [
    /CERT_NOT_YET_VALID|certificate is not yet valid/i,
    () => ({
      message: 'its certificate is not valid yet',
      hint: "check the clock of this machine and the beginning of the server's certificate",
    }),
  ],
  [
    anyOf(
      /SELF_SIGNED_CERT|self[- ]signed certificate/,
      /UNABLE_TO_(GET_ISSUER|VERIFY)|unable to (verify the first|get (local )?issuer)/,
      /CERT_SIGNATURE_FAILURE|certificate signature failure/,
    ),
    ({ ca }, message) => ({
      message: /self[-_ ]signed/i.test(message)
        ? 'its certificate or authority is self-signed and not trusted'
        : 'the authority of its certificate is not trusted',
      hint: `set ${ca} (or ${ca}_FILE) to the PEM of the authority that signed it, intermediate ones included`,
    }),
  ],
  [
    anyOf(
      /alert.{0,4}(certificate required|bad certificate|certificate unknown|unknown ca|unsupported certificate)/,
      /ALERT_(CERTIFICATE_REQUIRED|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN|UNKNOWN_CA)/,
    ),
    ({ cert, key }, message) => ({
      message: `it refuses the client certificate, or asks for one (${alertIn(message)})`,
      hint: `set ${cert} and ${key} to a certificate whose authority the server trusts`,
    }),
  ],
  [
    /alert.{0,4}certificate (expired|revoked)|ALERT_CERTIFICATE_(EXPIRED|REVOKED)/i,
    ({ cert, key }, message) => ({
      message: `it refuses the client certificate (${alertIn(message)})`,
      hint: `renew ${cert} and ${key}`,
    }),
  ],
  [
    /wrong.version.number|packet.length.too.long|before secure TLS connection|record layer failure/i,
    ({ withoutTls }) => ({ message: 'it does not answer as a TLS server', hint: withoutTls }),
  ],
  [
    /HPE_INVALID_CONSTANT|Expected HTTP|plain HTTP request was sent to HTTPS|it speaks TLS/i,
    ({ withTls }) => ({ message: 'it expects TLS', hint: withTls }),
  ],
  [
    /alert protocol version|unsupported protocol|alert handshake failure|no shared cipher/i,
    ({ cert, key }, message) => ({
      message: `it ends the handshake (${alertIn(message)})`,
      hint: `it may ask for a client certificate (${cert} and ${key}), or allow TLS versions below 1.2 only`,
    }),
  ],
]

/** Null where TLS is not the reason. `error`: any error with the code or the message of the socket's. */
export function tlsFaultOf(error: unknown, options: TlsOptions): TlsFault | null {
  const { code, message } = Object(error) as { code?: unknown; message?: unknown }
  const text = `${typeof code === 'string' ? code : ''} ${typeof message === 'string' ? message : String(error)}`
  return FAULTS.find(([pattern]) => pattern.test(text))?.[1](options, text) ?? null
}

/** What it may mean when a server just closes the connection: some say nothing to a client of the other kind. */
export function closedHints(error: unknown, url: string, { withTls, cert, key }: TlsOptions): string[] {
  const { code, message } = Object(error) as { code?: unknown; message?: unknown }
  if (code !== 'ECONNRESET' && !/socket hang up|ECONNRESET/.test(String(message))) return []
  const isTls = url.toLowerCase().startsWith('https:')
  return [isTls ? `if it asks for a client certificate, set ${cert} and ${key}` : `if it expects TLS, ${withTls}`]
}

const NAMES_CHARS_MAX = 200

/** Node ends its message with "the cert's altnames: DNS:b", or "the cert's list: " and addresses. */
function namesIn(message: string): string {
  const [, names] = /the cert's (?:altnames|list): (.*)$/s.exec(message) ?? []
  return names === undefined || names.trim() === '' ? '' : `: ${names.trim().slice(0, NAMES_CHARS_MAX)}`
}

/** OpenSSL: "error:0A00…:SSL routines:function:ssl/tls alert bad certificate:file:line:SSL alert number 42". */
function alertIn(message: string): string {
  const [, reason] = /SSL routines:[^:]*:([^:]+)/.exec(message) ?? []
  return reason ?? 'TLS alert'
}
