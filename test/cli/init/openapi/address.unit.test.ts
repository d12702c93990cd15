import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressOf } from '../../../../services/cli/init/openapi/address.ts'
import { createProblems } from '../../../../services/cli/init/openapi/problems.ts'

function address(servers: unknown, from: string | null = null) {
  const problems = createProblems()
  return { ...addressOf(servers, from, problems), lines: problems.lines() }
}

test('the first server with https is the address', () => {
  const servers = [
    { url: 'http://api.example/v1/' },
    { url: 'https://api.example/v1/' },
    { url: 'https://test.example' },
  ]
  assert.deepEqual(address(servers), { baseUrl: 'https://api.example/v1', variables: [], lines: [] })
})

test('variables have their defaults, or the first listed value; one without is reported', () => {
  const variables = { region: { default: 'eu', enum: ['eu', 'us'] }, version: { enum: ['v2'] } }
  const url = 'https://{region}.api.example/{version}/{tenant}'
  assert.deepEqual(address([{ url, variables }]), {
    baseUrl: 'https://eu.api.example/v2/tenant',
    variables: ['region', 'version', 'tenant'],
    lines: [`servers: {tenant} of ${url} has no default`],
  })
})

test('a relative server counts from the address of the document; from a file there is none', () => {
  const from = 'https://shop.example/docs/openapi.json'
  assert.equal(address([{ url: '/api' }], from).baseUrl, 'https://shop.example/api')
  assert.equal(address([{ url: '../v2' }], from).baseUrl, 'https://shop.example/v2')
  assert.deepEqual(address([{ url: '/api' }]), { baseUrl: null, variables: [], lines: [] })
})

test('a host without its scheme, user information and queries', () => {
  assert.equal(address([{ url: 'api.shop.example/v1' }]).baseUrl, 'https://api.shop.example/v1')
  assert.equal(address([{ url: 'https://user:secret@api.example/v1?key=secret#x' }]).baseUrl, 'https://api.example/v1')
})

test('servers that are none', () => {
  assert.deepEqual(address([{ url: 'ftp://api.example' }]).lines, [
    'servers: ftp://api.example is not an http or https URL',
  ])
  assert.deepEqual(address([{}]).lines, ['servers: one has no url'])
  for (const servers of [undefined, null, 'x', [], [7], {}]) assert.equal(address(servers).baseUrl, null)
})
