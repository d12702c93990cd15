/** An authority made by the test, and certificates that it signs. PEM, for 127.0.0.1 and an hour unless said. */
import { createPrivateKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import forge from 'node-forge'

export type Certificate = { cert: string; key: string }
/** `host`: the only name of the certificate. `expired`: since half an hour. */
export type CertificateOptions = { host?: string; expired?: boolean }
/** `own`: its certificate, which it signed itself, with the key. */
export type Authority = { ca: string; own: Certificate; issue(name: string, options?: CertificateOptions): Certificate }

const HOUR_MS = 3_600_000
const KEY_BITS = 2048
const IP = 7
const DNS = 2

export function makeAuthority(): Authority {
  const own = keyPair()
  // Its own name: of two authorities of one name, a client takes either for its certificate's issuer.
  const subject = [{ name: 'commonName', value: `authority ${randomBytes(4).toString('hex')} of a test` }]
  const certificate = certificateOf(own.public, subject)
  certificate.setIssuer(subject)
  certificate.setExtensions([{ name: 'basicConstraints', cA: true }])
  certificate.sign(own.private, forge.md.sha256.create())
  const ca = forge.pki.certificateToPem(certificate)
  return {
    ca,
    own: { cert: ca, key: own.pem },
    issue(name, { host, expired = false } = {}) {
      const pair = keyPair()
      const issued = certificateOf(pair.public, [{ name: 'commonName', value: name }])
      issued.setIssuer(subject)
      if (expired) issued.validity.notAfter = new Date(Date.now() - HOUR_MS / 2)
      issued.setExtensions([
        {
          name: 'subjectAltName',
          altNames:
            host === undefined
              ? [
                  { type: IP, ip: '127.0.0.1' },
                  { type: DNS, value: 'localhost' },
                ]
              : [{ type: DNS, value: host }],
        },
      ])
      issued.sign(own.private, forge.md.sha256.create())
      return { cert: forge.pki.certificateToPem(issued), key: pair.pem }
    },
  }
}

/** The same key, encrypted. */
export function encrypted(key: string, passphrase: string): string {
  const format = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase } as const
  return createPrivateKey(key).export(format).toString()
}

/** By Node: forge makes RSA keys a hundred times slower. */
function keyPair() {
  const pair = generateKeyPairSync('rsa', {
    modulusLength: KEY_BITS,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  return {
    public: forge.pki.publicKeyFromPem(pair.publicKey),
    private: forge.pki.privateKeyFromPem(pair.privateKey),
    pem: pair.privateKey,
  }
}

function certificateOf(key: forge.pki.rsa.PublicKey, subject: forge.pki.CertificateField[]): forge.pki.Certificate {
  const certificate = forge.pki.createCertificate()
  certificate.publicKey = key
  // A first byte of one keeps the number positive. After a zero, a random zero would be illegal padding.
  certificate.serialNumber = `01${randomBytes(15).toString('hex')}`
  certificate.validity.notBefore = new Date(Date.now() - HOUR_MS)
  certificate.validity.notAfter = new Date(Date.now() + HOUR_MS)
  certificate.setSubject(subject)
  return certificate
}
