/** The address of a token endpoint: only a whole address leads to another origin, and no setting changes the host. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { concat } from '#shared/declaration/auth/value.ts'
import { setting } from '#shared/declaration/secret.ts'
import { WrongUse } from '#shared/errors.ts'
import { tokenUrlOf } from '../../../../../services/fetcher/http/auth/tokens/token-url.ts'

const BASE = 'https://api.shop.example/v1'
const urlOf = (declared: Parameters<typeof tokenUrlOf>[0], values: Record<string, string> = {}) =>
  tokenUrlOf(declared, { name: 'shop' }, BASE, { setting: ({ name, fallback }) => values[name] ?? fallback }).href
const TENANT = concat('https://', setting('TENANT', 'acme'), '.login.example/token')

describe('the address of a token endpoint', () => {
  for (const [name, declared, values, url] of [
    ['as a path', '/token', {}, 'https://api.shop.example/token'],
    ['as a whole address', 'https://b.example/t', {}, 'https://b.example/t'],
    ['of a setting', setting('URL', '/token'), { URL: 'https://b.example/t' }, 'https://b.example/t'],
    ['with a setting in its host', TENANT, { TENANT: 'big-shop' }, 'https://big-shop.login.example/token'],
    ['that begins with a setting', concat(setting('URL', 'https://a.example'), '/t'), {}, 'https://a.example/t'],
  ] as const) {
    test(`${name} is ${url}`, () => assert.equal(urlOf(declared, values), url))
  }

  for (const value of ['evil.example/', 'evil.example#', 'me@evil.example', 'evil.example?', 'a\\b', '', 'a b']) {
    test(`is refused with a setting that could lead elsewhere: "${value}"`, () => {
      assert.throws(
        () => urlOf(TENANT, { TENANT: value }),
        (error) =>
          error instanceof WrongUse && error.code === 'HR_TOKEN_URL' && /takes TENANT, whose value/.test(error.message),
      )
    })
  }

  for (const value of ['//evil.example/t', '/\\evil.example/t', 'ftp://a.example', 'https://me:c4nary@a.example']) {
    test(`is refused: ${value}`, () => {
      assert.throws(
        () => urlOf(setting('URL', '/t'), { URL: value }),
        (error) => error instanceof WrongUse && !error.message.includes('c4nary'),
      )
    })
  }
})
