import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { resolverFor } from '#shared/config/config.ts'
import { explain } from '#shared/errors.ts'
import { apiKey, basic, bearer, nextUrl, oauth2ClientCredentials, secret } from '#shared/index.ts'
import { silentLog } from '#shared/log.ts'
import { describePreview } from '../../../services/cli/preview/describe.ts'
import { checkSource } from '../../../services/fetcher/authoring/check/check.ts'
import { previewStream } from '../../../services/fetcher/authoring/preview.ts'
import { recordingText } from '../../../services/fetcher/authoring/recording/recording.ts'
import { walkRecording } from '../../../services/fetcher/authoring/recording/testing.ts'
import { fastClock } from '../../support/clocks.ts'
import { type Answer, type Asked, startServer } from '../../support/http.ts'
import { declareShop, order, streamOf } from '../declared.ts'
import { PATIENT } from './authoring.ts'

const CANARY = 'c4nary:of+the "shop"/=&'
const TOKEN = 'c4nary-token-9876543210'
const environment = { SHOP_ID: 'c4nary-id', SHOP_KEY: CANARY }
const shopKey = secret('SHOP_KEY')

const base64 = (text: string) => Buffer.from(text).toString('base64')

/** Every form in which one of the secrets went over the wire, or could come back. */
const FORMS = [
  CANARY,
  TOKEN,
  environment.SHOP_ID,
  encodeURIComponent(CANARY),
  JSON.stringify(CANARY).slice(1, -1),
  base64(CANARY),
  base64(`me:${CANARY}`),
  base64(`c4nary-id:${new URLSearchParams([['', CANARY]]).toString().slice(1)}`),
]

function assertClean(text: string, what: string): void {
  for (const form of FORMS) assert.ok(!text.includes(form), `${what} holds ${form}: ${text.slice(0, 2000)}`)
  assert.doesNotMatch(text, /c4nary/)
  for (const [run] of text.matchAll(/[A-Za-z0-9+/]{8,}/g)) {
    for (const start of [0, 1, 2, 3]) {
      assert.ok(
        !Buffer.from(run.slice(start), 'base64').toString('latin1').includes('c4nary'),
        `${what} holds it in base64: ${run}`,
      )
    }
  }
}

const KINDS = {
  'a bearer token': bearer(shopKey),
  'an API key in a header': apiKey({ key: shopKey, name: 'X-Shop-Key' }),
  'an API key in the query': apiKey({ key: shopKey, in: 'query', name: 'shopkey' }),
  'a user name and a password': basic({ username: 'me', password: shopKey }),
  'client credentials in the header': oauth2ClientCredentials({
    tokenUrl: '/token',
    clientId: secret('SHOP_ID'),
    clientSecret: shopKey,
  }),
  'client credentials in the body': oauth2ClientCredentials({
    tokenUrl: '/token',
    clientId: secret('SHOP_ID'),
    clientSecret: shopKey,
    credentialsIn: 'body',
  }),
}

/** What a careless API knows of its client. */
function known(asked: Asked) {
  const { authorization } = asked.headers
  return {
    authorization,
    key: asked.headers['x-shop-key'],
    target: asked.target,
    body: asked.body,
    decoded: decodeURIComponent(asked.target),
    user: Buffer.from(authorization?.split(' ')[1] ?? '', 'base64').toString(),
    canary: CANARY,
    [CANARY]: 1,
  }
}

/** Repeats all that it was told: in records that fit, in records that do not, in links, in headers. */
const careless = (asked: Asked): Answer => {
  if (asked.path === '/token') return { json: { access_token: TOKEN, token_type: 'Bearer' } }
  const second = asked.query.has('page')
  const echo = known(asked)
  const data = second
    ? [{ ...order('3', 3), echo }]
    : [
        { ...order('1', 1), echo },
        { ...order('2', 2), total: CANARY, echo },
      ]
  const token = asked.headers.authorization === `Bearer ${TOKEN}` ? `&access_token=${TOKEN}` : ''
  const next = second ? null : `/orders?page=2&shopkey=${encodeURIComponent(CANARY)}${token}`
  return {
    json: { data, next, echo },
    headers: { 'x-echo': encodeURIComponent(CANARY), 'set-cookie': 'session=c4nary-session' },
  }
}

type Script = (asked: Asked) => Answer

async function everythingShown(t: TestContext, script: Script, auth: (typeof KINDS)[keyof typeof KINDS]) {
  const server = await startServer(t, script)
  const stream = { paginate: nextUrl({ next: '/next' }), watermark: undefined }
  const source = declareShop(stream, { baseUrl: server.url, auth, ...PATIENT })
  const tools = {
    clock: fastClock(),
    log: silentLog,
    resolver: resolverFor(environment),
    signal: new AbortController().signal,
  }
  const orders = streamOf(source)
  const { preview, recording, error } = await previewStream({
    ...tools,
    stream: orders,
    partition: 0,
    pages: 2,
    records: 10,
  })
  const checked = await checkSource({ ...tools, source, streams: source.streams })
  const texts = {
    json: JSON.stringify(preview),
    table: describePreview(orders, preview, 10_000),
    recording: recording === null ? '' : recordingText(recording),
    check: JSON.stringify(checked),
    error: error === null ? '' : explain(error),
  }
  return { texts, preview, recording, server, orders }
}

describe('no secret is shown or recorded by an API that repeats', () => {
  for (const [name, auth] of Object.entries(KINDS)) {
    test(name, async (t) => {
      const { texts, preview, recording, orders, server } = await everythingShown(t, careless, auth)
      assert.equal(preview.error, null)
      assert.deepEqual([preview.counts.records, preview.counts.deadLetters, preview.pages], [2, 1, 2])
      const sent = server.requests.map((asked) => JSON.stringify([asked.target, asked.headers, asked.body])).join()
      assert.ok(
        FORMS.some((form) => sent.includes(form)),
        'the API was not told the secret',
      )
      for (const [what, text] of Object.entries(texts)) assertClean(text, what)
      assert.match(texts.recording, /\*\*\*/)

      assert.ok(recording !== null)
      assert.doesNotMatch(texts.recording, /\/token|set-cookie/i)
      const walked = await walkRecording(orders, recording)
      assert.deepEqual(walked.records, preview.records)
      assert.equal(walked.pages, 2)
    })
  }
})

describe('no secret is shown by an API that refuses with what it was told:', () => {
  const refusals: [string, Script][] = [
    ['401', (asked) => (asked.path === '/token' ? careless(asked) : { status: 401, json: known(asked) })],
    [
      '403',
      (asked) => (asked.path === '/token' ? careless(asked) : { status: 403, body: JSON.stringify(known(asked)) }),
    ],
    [
      'HTML',
      (asked) =>
        asked.path === '/token' ? careless(asked) : { body: `<html>${CANARY} ${JSON.stringify(known(asked))}</html>` },
    ],
    [
      'no records',
      (asked) => (asked.path === '/token' ? careless(asked) : { json: { data: 'none', ...known(asked) } }),
    ],
    ['no token', (asked) => ({ status: 400, json: { error: 'invalid_client', ...known(asked) } })],
    [
      'a redirect',
      (asked) =>
        asked.path === '/token'
          ? careless(asked)
          : { status: 302, headers: { location: `https://other.example/?shopkey=${encodeURIComponent(CANARY)}` } },
    ],
  ]
  for (const [name, script] of refusals) {
    test(name, async (t) => {
      for (const [kind, auth] of Object.entries(KINDS)) {
        const { texts, preview } = await everythingShown(t, script, auth)
        assert.ok(preview.error !== null, kind)
        // The error itself goes to nobody but the exit status.
        for (const what of ['json', 'table', 'recording', 'check'] as const)
          assertClean(texts[what], `${kind}: ${what}`)
      }
    })
  }
})
