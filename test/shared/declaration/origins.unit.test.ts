import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { matchesOrigin, originPattern } from '#shared/declaration/origins.ts'

const matches = (pattern: string, url: string): boolean => matchesOrigin(pattern, new URL(url))

describe('an origin of files', () => {
  for (const given of [
    'https://files.example/',
    'https://files.example/path',
    'files.example',
    'ftp://files.example',
    'http://*',
    'https://*.',
    'https://a.*.example',
    'https://*example',
    '*',
    '',
  ])
    test(`is refused: "${given}"`, () => assert.equal(originPattern.safeParse(given).success, false))

  for (const given of ['https://files.example', 'http://127.0.0.1:8080', 'https://*.files.example', 'https://*'])
    test(`is taken: ${given}`, () => assert.equal(originPattern.safeParse(given).success, true))

  test('is not another host, scheme or port', () => {
    assert.equal(matches('https://files.example', 'https://other.example/a'), false)
    assert.equal(matches('https://files.example', 'http://files.example/a'), false)
    assert.equal(matches('https://files.example', 'https://files.example:8443/a'), false)
    assert.equal(matches('https://files.example', 'https://files.example/a?b'), true)
  })

  test('may be a pattern of hosts below a domain, and not of the domain itself', () => {
    assert.equal(matches('https://*.files.example', 'https://files.example/a'), false)
    assert.equal(matches('https://*.files.example', 'https://otherfiles.example/a'), false)
    assert.equal(matches('https://*.files.example', 'https://files.example.evil.example/a'), false)
    assert.equal(matches('https://*.files.example', 'http://a.files.example/a'), false)
    assert.equal(matches('https://*.files.example', 'https://a.b.files.example/a'), true)
    assert.equal(matches('http://*.files.example:81', 'http://a.files.example:81/a'), true)
  })

  test('may be any host with TLS', () => {
    assert.equal(matches('https://*', 'http://files.example/a'), false)
    assert.equal(matches('https://*', 'https://files.example:8443/a'), true)
  })
})
