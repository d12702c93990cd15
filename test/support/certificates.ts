/** An authority made by the test, and certificates that it signs for 127.0.0.1. PEM, valid for an hour. */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import forge from 'node-forge'

export type Certificate = { cert: string; key: string }
export type Authority = { ca: string; issue(name: string): Certificate }

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
  return {
    ca: forge.pki.certificateToPem(certificate),
    issue(name) {
      const pair = keyPair()
      const issued = certificateOf(pair.public, [{ name: 'commonName', value: name }])
      issued.setIssuer(subject)
      issued.setExtensions([
        {
          name: 'subjectAltName',
          altNames: [
            { type: IP, ip: '127.0.0.1' },
            { type: DNS, value: 'localhost' },
          ],
        },
      ])
      issued.sign(own.private, forge.md.sha256.create())
      return { cert: forge.pki.certificateToPem(issued), key: pair.pem }
    },
  }
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
  // A leading zero keeps the number positive.
  certificate.serialNumber = `00${randomBytes(15).toString('hex')}`
  certificate.validity.notBefore = new Date(Date.now() - HOUR_MS)
  certificate.validity.notAfter = new Date(Date.now() + HOUR_MS)
  certificate.setSubject(subject)
  return certificate
}
