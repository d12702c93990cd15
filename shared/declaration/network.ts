/**
 * How the requests of a source travel: through a proxy, over TLS with an authority or a client certificate of its own,
 * or by HTTP/2. Names and settings only; the fetcher resolves them.
 */
import { z } from 'zod'
import { secretRef, settingRef, textOrSetting } from './secret.ts'

export const isProxyUrl = (text: string): boolean =>
  URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol) && new URL(text).hostname !== ''

const hasLogin = (text: string): boolean => {
  const { username, password } = new URL(text)
  return username !== '' || password !== ''
}

const PROXY = "expected the http or https URL of a proxy, setting('NAME', fallback), secret('NAME'), or false"

/** A URL with a login is a secret, so it must not be written into a declaration. */
const proxyUrl = z
  .string()
  .refine(isProxyUrl, { error: PROXY, abort: true })
  .refine(
    (text) => !hasLogin(text),
    "holds a user name or a password: declare proxy: secret('NAME') and put the whole URL into that variable",
  )

/** Instead of HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the environment. False: no proxy at all. */
export const proxySpec = z.union([z.literal(false), proxyUrl, settingRef, secretRef], PROXY).optional()

const pemOrRef = z.union([textOrSetting, secretRef], "expected PEM, setting('NAME', fallback) or secret('NAME')")

export const tlsSpec = z
  .strictObject({
    /** PEM of an authority that is trusted besides the public ones: `setting('SHOP_CA', fallback)`. */
    ca: pemOrRef.optional(),
    /** PEM of the client certificate and its key (mTLS). It goes to the origins of baseUrl and of the tokens only. */
    cert: pemOrRef.optional(),
    /** PEM of the key of `cert`: `secret('SHOP_KEY')`. */
    key: secretRef.optional(),
    /** Of the key, if it has one: `secret('SHOP_PASSPHRASE')`. */
    passphrase: secretRef.optional(),
  })
  .refine(({ cert, key }) => (cert === undefined) === (key === undefined), {
    error: 'cert and key belong together, and one of them is missing',
    path: ['key'],
    params: { rule: true },
  })
  .refine(({ key, passphrase }) => passphrase === undefined || key !== undefined, {
    error: 'is the passphrase of a key, and there is none',
    path: ['passphrase'],
    params: { rule: true },
  })
  .optional()
