/** What is left of a secret in the text of an API that quotes it: nothing, in whatever form it comes back. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { resolverFor } from '#shared/config/config.ts'
import { apiKey, basic, bearer } from '#shared/declaration/auth.ts'
import { secret } from '#shared/declaration/secret.ts'
import { REDACTED } from '#shared/redact/mark.ts'
import { textRedactor } from '#shared/redact/text.ts'
import { basicCredentials } from '../../../services/fetcher/http/auth/basic.ts'
import { liveSecrets } from '../../../services/fetcher/http/auth/live-secrets.ts'
import { excerptOf } from '../../../services/fetcher/http/describe.ts'
import { clientFor, failureOf, SECRETS, shown } from '../../fetcher/http/fixture.ts'
import { fastClock } from '../../support/clocks.ts'
import { inTurn, startServer } from '../../support/http.ts'

const TOKEN = 'k3y-of/the+shop?&"\'<ü>=='
const base64 = (text: string) => Buffer.from(text, 'utf8').toString('base64')
const base64url = (text: string) => Buffer.from(text, 'utf8').toString('base64url')
const percent = (text: string, upper = true) =>
  encodeURIComponent(text)
    .replace(/%../g, (hex) => (upper ? hex : hex.toLowerCase()))
    .replaceAll("'", '%27')
const entities = (text: string) => text.replace(/[^A-Za-z0-9 ]/gu, (char) => `&#${char.codePointAt(0)};`)
const unicode = (text: string) =>
  text.replace(/[^A-Za-z0-9 ]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)

const FORMS: readonly [string, (text: string) => string][] = [
  ['as it is', (text) => text],
  ['percent-encoded', (text) => percent(text)],
  ['percent-encoded in lower case', (text) => percent(text, false)],
  ['percent-encoded twice', (text) => percent(percent(text))],
  ['as a form encodes it', (text) => new URLSearchParams([['', text]]).toString().slice(1)],
  ['in JSON', (text) => JSON.stringify(text)],
  ['in JSON with escaped slashes', (text) => JSON.stringify(text).replaceAll('/', '\\/')],
  ['in JSON with escaped code units', (text) => JSON.stringify(unicode(text)).replaceAll('\\\\u', '\\u')],
  [
    'in HTML',
    (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;'),
  ],
  ['in HTML by numbers', entities],
  ['in base64', base64],
  ['in base64url', base64url],
  ['in base64 that is percent-encoded', (text) => percent(base64(text))],
  ['in base64 within JSON with escaped slashes', (text) => base64(text).replaceAll('/', '\\/')],
]

describe('a header that an API quotes', () => {
  for (const [name, form] of FORMS) {
    test(`${name} holds no token any more, whatever stands around it`, () => {
      const redact = textRedactor(() => [TOKEN])
      for (const whole of [
        TOKEN,
        `Bearer ${TOKEN}`,
        `a${TOKEN}b`,
        `Authorization: Bearer ${TOKEN}\r\n`,
        `ab${TOKEN}abc`,
      ]) {
        const text = redact(`got <<${form(whole)}>> here`)
        assert.match(text, /^got .*\*\*\*.* here$/s)
        for (const [, other] of FORMS) assert.ok(!text.includes(other(TOKEN)), text)
        const left = text
          .replace(/[^A-Za-z0-9+/=_-]+/g, ' ')
          .split(' ')
          .map((part) => Buffer.from(part, 'base64').toString('latin1'))
        assert.ok(!left.some((part) => /k3y|of.the|shop/.test(part)), text)
        assert.ok(!/k3y|of.the|shop/.test(text), text)
      }
    })
  }

  test('of user name and password holds neither of them, in base64 of the whole value either', async () => {
    const resolver = resolverFor({ SHOP_SECRET: 'hunter2-of-the-shop' })
    const secrets = liveSecrets({ resolver, clock: fastClock() })
    const { redact } = basicCredentials(basic({ username: 'jane', password: secret('SHOP_SECRET') }), secrets)
    const value = `Basic ${base64('jane:hunter2-of-the-shop')}`
    for (const text of [
      value,
      base64(value),
      percent(value),
      base64(`x ${value}`),
      'jane:hunter2-of-the-shop',
      base64('hunter2-of-the-shop'),
    ]) {
      assert.ok(!/hunter|aHVudGVy|h1bnRlc|odW50ZX|amFuZTp|QmFzaWMg\w{4}/.test(redact(text)), redact(text))
    }
  })

  test('with a key of several lines is recognised when the lines have become one', () => {
    const pem =
      '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQC7\n-----END PRIVATE KEY-----'
    const redact = textRedactor(() => [pem])
    for (const text of [pem, excerptOf(pem), JSON.stringify(pem), percent(pem), pem.replaceAll('\n', '\r\n')]) {
      assert.equal(redact(`<${text}>`).replaceAll('"', ''), `<${REDACTED}>`)
    }
  })

  test('that was cut shows no beginning of it, where the cut came before the blanks were taken out too', () => {
    const redact = textRedactor(() => [TOKEN])
    for (const text of [
      excerptOf(`${' '.repeat(790)}${TOKEN}`),
      excerptOf(`${'x'.repeat(190)}${TOKEN}`),
      excerptOf(`${'x '.repeat(90)}${base64(`Bearer ${TOKEN}`)}`),
    ]) {
      assert.match(text, /…$/)
      const left = redact(text)
      assert.ok(!/k3y|zeS1|M3kt|azN5/.test(left), left)
    }
  })

  test('leaves other texts as they are', () => {
    const redact = textRedactor(() => [TOKEN, 'abc', ''])
    for (const text of ['abc', 'nothing here', base64('nothing of it is here, and it is long'), 'a '.repeat(40_000)])
      assert.equal(redact(text), text)
    assert.equal(textRedactor(() => [])('text'), 'text')
  })
})

describe('an error of an API that echoes the request', () => {
  for (const [name, auth, value] of [
    ['bearer', bearer(secret('SHOP_KEY')), `Bearer ${SECRETS.SHOP_KEY}`],
    ['api key', apiKey({ key: secret('SHOP_KEY') }), SECRETS.SHOP_KEY],
    ['basic', basic({ username: 'jane', password: secret('SHOP_KEY') }), `Basic ${base64(`jane:${SECRETS.SHOP_KEY}`)}`],
  ] as const) {
    test(`in base64 is shown without the credentials: ${name}`, async (t) => {
      for (const status of [400, 401, 403]) {
        const server = await startServer(
          t,
          inTurn({ status, json: { headers: base64(`accept: */*\nauthorization: ${value}\n`), value: base64(value) } }),
        )
        const { ask, logged } = clientFor(t, server.url, { source: { auth } })
        const error = shown(await failureOf(ask()))
        assert.match(error, /\*\*\*/)
        for (const text of [error, logged()]) {
          for (const part of text.split(/[^A-Za-z0-9+/=]+/))
            assert.ok(!Buffer.from(part, 'base64').toString('latin1').includes('k3y-of-the'), part)
        }
      }
    })
  }
})
