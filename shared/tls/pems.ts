/**
 * Certificates and keys of options, checked before anything connects: a wrong passphrase or a key of another
 * certificate would otherwise show as a broken connection. All throw WrongUse that names the option, and no message
 * holds a key. Pure.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { WrongUse } from '../errors.ts'

/** PEM texts. The key is not encrypted any more. */
export type Pems = { ca?: string; cert?: string; key?: string }

/** As the options give them. */
type GivenPems = {
  ca: string | undefined
  cert: string | undefined
  key: string | undefined
  passphrase: string | undefined
}

const CERTIFICATE =
  /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[\s\S]*?-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g
const KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----/

/** Of the options `PREFIX_CA`, `PREFIX_CERT`, `PREFIX_KEY` and `PREFIX_KEY_PASSPHRASE`. */
export function pemsOf(prefix: string, { ca, cert, key, passphrase }: GivenPems): Pems {
  if ((cert === undefined) !== (key === undefined)) {
    throw new WrongUse('HR_OPTION', `${prefix}_CERT and ${prefix}_KEY belong together, and one of them is missing`, {
      hint: 'set both, each also as NAME_FILE',
    })
  }
  if (key === undefined && passphrase !== undefined) {
    throw new WrongUse('HR_OPTION', `${prefix}_KEY_PASSPHRASE is set without ${prefix}_KEY`, {
      hint: `set ${prefix}_KEY, or unset ${prefix}_KEY_PASSPHRASE`,
    })
  }
  return {
    ...(ca === undefined ? {} : { ca: certificatesIn(`${prefix}_CA`, ca) }),
    ...(cert === undefined || key === undefined ? {} : clientCertificate(prefix, cert, key, passphrase)),
  }
}

/** Every certificate of a PEM text, readable. An environment file may hold a line's end as `\n`. */
export function certificatesIn(name: string, given: string): string {
  const pem = withLines(given)
  const found = pem.match(CERTIFICATE) ?? []
  if (found.length === 0) throw notPem(name, 'certificate', KEY.test(pem) ? 'a key' : null)
  for (const certificate of found) certificateOf(name, certificate)
  return pem
}

function clientCertificate(prefix: string, givenCert: string, givenKey: string, passphrase: string | undefined) {
  const cert = certificatesIn(`${prefix}_CERT`, givenCert)
  const key = privateKey(`${prefix}_KEY`, withLines(givenKey), passphrase)
  if (!certificateOf(`${prefix}_CERT`, cert).checkPrivateKey(key)) {
    throw new WrongUse('HR_TLS_KEY', `${prefix}_KEY is not the key of the certificate in ${prefix}_CERT`, {
      hint: 'give both of one client, the own certificate first where the file holds a chain',
    })
  }
  return { cert, key: key.export({ type: 'pkcs8', format: 'pem' }).toString() }
}

function privateKey(name: string, pem: string, passphrase: string | undefined): KeyObject {
  if (!KEY.test(pem)) throw notPem(name, 'key', pem.includes('CERTIFICATE') ? 'a certificate' : null)
  const isEncrypted = /ENCRYPTED/.test(pem)
  if (isEncrypted && passphrase === undefined) {
    throw new WrongUse('HR_TLS_KEY', `${name} is encrypted`, { hint: `set ${name}_PASSPHRASE` })
  }
  try {
    return createPrivateKey({ key: pem, ...(passphrase === undefined ? {} : { passphrase }) })
  } catch {
    if (!isEncrypted) throw damaged(name, 'key')
    throw new WrongUse('HR_TLS_KEY', `${name} cannot be decrypted by ${name}_PASSPHRASE`, {
      hint: `check ${name}_PASSPHRASE`,
    })
  }
}

function certificateOf(name: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch {
    throw damaged(name, 'certificate')
  }
}

const withLines = (pem: string): string => pem.replaceAll('\\n', '\n')

const damaged = (name: string, what: string): WrongUse =>
  new WrongUse('HR_OPTION', `${name}: the ${what} cannot be read`, { hint: 'check that the PEM text is complete' })

/** A path in place of the text is the most frequent mistake. */
function notPem(name: string, what: 'certificate' | 'key', instead: string | null): WrongUse {
  return new WrongUse('HR_OPTION', `${name}: holds ${instead ?? 'no PEM text'}, expected a ${what}`, {
    hint: `give the PEM text itself (-----BEGIN …), or its file by ${name}_FILE; openssl converts other formats`,
  })
}
