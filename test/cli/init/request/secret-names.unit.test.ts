import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSecretField, isSecretHeader } from '../../../../services/cli/init/request/secret-names.ts'

test('cursors, sizes and names of accounts are not secrets', () => {
  for (const name of ['page_token', 'pageToken', 'next_token', 'limit', 'account_id', 'sort_key', 'keyword', 'q'])
    assert.equal(isSecretField(name), false, name)
  for (const name of ['Accept', 'X-Version', 'Notion-Version', 'X-Request-Id'])
    assert.equal(isSecretHeader(name), false)
})

test('keys, tokens, passwords and secrets are, in any spelling', () => {
  for (const name of ['key', 'API-KEY', 'api_token', 'accessToken', 'user_secret', 'my_password', 'client_secret'])
    assert.equal(isSecretField(name), true, name)
  for (const name of ['X-Api-Key', 'X-Shopify-Access-Token', 'Cookie', 'X-CSRF', 'Proxy-Authorization'])
    assert.equal(isSecretHeader(name), true, name)
})
