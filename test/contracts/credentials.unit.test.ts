/**
 * What every kind of credentials must do, whatever it sends: it does not leak, it is renewed once for all who wait, and
 * what was refused is not sent again.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { authSpec } from '#shared/declaration/auth.ts'
import { createRedactor } from '#shared/redact/value.ts'
import { createRecorder } from '../../services/fetcher/authoring/recording/recording.ts'
import { CredentialsRefused } from '../../services/fetcher/http/errors.ts'
import { firstRequest } from '../../services/fetcher/pages/first-request.ts'
import { failureOf, shown } from '../fetcher/http/fixture.ts'
import { startServer } from '../support/http.ts'
import { type CredentialApi, credentialApi, KINDS, kinds, quoted, secretsIn } from './credentials.ts'

const ASKERS = 5

const askAll = (api: CredentialApi) => Promise.all(Array.from({ length: ASKERS }, () => api.ask()))

test('every kind of credentials has a line in the table', () => {
  const declared = authSpec.options.map(({ shape }) => shape.kind.value)
  assert.deepEqual(
    declared.filter((kind) => !(kind in KINDS)),
    [],
  )
})

for (const [name, kind] of kinds) {
  describe(`credentials of the kind ${name}`, () => {
    for (const status of [200, 401, 403, 500]) {
      test(`are in no error and no log line, when an answer of ${status} quotes the request`, async (t) => {
        const json = (asked: Parameters<typeof quoted>[0]) => ({ ...quoted(asked), data: 'none', next: null })
        const answer = (asked: Parameters<typeof quoted>[0]) => ({ status, json: json(asked) })
        const api = await credentialApi(t, kind, { answer, source: { attemptsMax: 2 } })
        const said = status === 200 ? await api.ask() : shown(await failureOf(api.ask()))
        const seen = typeof said === 'string' ? said : (said.redact?.(JSON.stringify(said.body)) ?? '')
        assert.ok(seen.includes('not accepted'), seen)
        assert.notEqual(api.proofs()[0], '')
        assert.deepEqual(secretsIn(`${seen}${api.logged()}`, api.secrets()), [])
      })
    }

    test('are in no recording of a page that quotes the request', async (t) => {
      const answer = (asked: Parameters<typeof quoted>[0]) => ({ json: { data: [quoted(asked)], next: null } })
      const api = await credentialApi(t, kind, { answer })
      const redactor = createRedactor(api.secrets, api.client.redact)
      const { baseUrl } = api.client
      const recorder = createRecorder(api.stream, { partition: 0, baseUrl, redactor, clock: api.clock })
      const exchange = { signal: new AbortController().signal, stream: api.stream.label }
      await recorder.around(api.client.send)(firstRequest(api.stream, baseUrl, 0, null), exchange)
      const recording = JSON.stringify(recorder.recording())
      assert.ok(recording.includes('not accepted'))
      assert.deepEqual(secretsIn(recording, api.secrets()), [])
    })

    test('reach no other origin, allowed or named by a redirect', async (t) => {
      const other = await startServer(t, () => ({ json: { data: [], next: null } }))
      const location = `${other.url}/orders`
      const answer = () => ({ status: 307, headers: { location } })
      const api = await credentialApi(t, kind, { answer, source: { allowOrigins: [other.url] } })
      await api.ask({ path: location })
      assert.equal(other.requests.length, 1)
      await failureOf(api.ask())
      assert.equal(other.requests.length, 1)
      assert.notEqual(api.proofs()[0], '')
      assert.deepEqual(secretsIn(JSON.stringify(other.requests), api.secrets()), [])
    })

    test('are renewed once for all who ask at the same time, first and after a refusal', async (t) => {
      const api = await credentialApi(t, kind, { refusesFirst: ASKERS })
      await askAll(api)
      assert.equal(new Set(api.proofs()).size, 2)
      assert.equal(api.proofs().length, 2 * ASKERS)
      assert.equal(api.tokenRequests(), kind.obtains ? 2 : 0)
    })

    test('are not sent again after they were refused and there are others', async (t) => {
      const api = await credentialApi(t, kind, { refusesFirst: 1 })
      await api.ask()
      await askAll(api)
      const [first, ...later] = api.proofs()
      assert.equal(later.length, 1 + ASKERS)
      assert.ok(!later.includes(first ?? ''))
    })

    test('are sent once, and not retried, if all that there are is refused', async (t) => {
      const api = await credentialApi(t, kind, { answer: () => ({ status: 401 }) })
      assert.ok((await failureOf(api.ask())) instanceof CredentialsRefused)
      assert.equal(new Set(api.proofs()).size, api.proofs().length)
      assert.ok(api.proofs().length <= 2)
    })

    if (kind.obtains) {
      test('are in no error and no log line, when the token endpoint quotes what it refuses', async (t) => {
        const noToken = (asked: Parameters<typeof quoted>[0]) => ({ status: 400, json: quoted(asked) })
        const api = await credentialApi(t, kind, { noToken })
        const error = await failureOf(api.ask())
        assert.ok(error instanceof CredentialsRefused, String(error))
        assert.deepEqual(secretsIn(`${shown(error)}${api.logged()}`, api.secrets()), [])
      })
    }
  })
}
