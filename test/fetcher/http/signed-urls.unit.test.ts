import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { redactorOfFile, signedUrl, withoutQueries } from '../../../services/fetcher/http/signed-urls.ts'

describe('a URL of a file', () => {
  test('is kept apart from its query, without user information and fragment', () => {
    const { url, query } = signedUrl(new URL('https://user:pass@files.example/a%20b.csv?X-Sig=s%2Fx&n=1#end'))
    assert.equal(url.href, 'https://files.example/a%20b.csv')
    assert.equal(query, '?X-Sig=s%2Fx&n=1')
  })

  test('is not in a text that quotes what was signed, in any spelling', () => {
    const redact = redactorOfFile({ origins: [], query: '?sig=abc%2Fdef%3D&n=1' }, (text) => text.replace('k3y', '***'))
    assert.equal(redact('<Given>abc/def=</Given> or abc%2Fdef%3D, with k3y'), '<Given>***</Given> or ***, with ***')
  })
})

describe('an answer that names files', () => {
  test('is shown without the queries of its URLs, at any depth', () => {
    const body = {
      status: 'DONE',
      count: 2,
      urls: ['https://files.example/a?sig=1', 'https://user:pass@files.example/b'],
      more: { note: 'why? because', link: 'http://files.example/c#token', none: null },
    }
    assert.deepEqual(withoutQueries(body), {
      status: 'DONE',
      count: 2,
      urls: ['https://files.example/a?***', 'https://files.example/b'],
      more: { note: 'why? because', link: 'http://files.example/c?***', none: null },
    })
  })

  test('is shown down to a bounded depth', () => {
    let body: unknown = 'https://files.example/a?sig=1'
    for (let depth = 0; depth < 100_000; depth++) body = [body]
    assert.doesNotMatch(JSON.stringify(withoutQueries(body)), /sig/)
  })
})
