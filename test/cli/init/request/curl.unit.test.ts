import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { WrongUse } from '#shared/errors.ts'
import { curlRequest } from '../../../../services/cli/init/request/curl.ts'
import { knownRequest } from '../../../../services/cli/init/request/to-known.ts'
import { secretVariables } from '../../../../services/cli/init/request/variables.ts'

function from(line: string) {
  const secrets = secretVariables('shop')
  const { request, notes } = curlRequest(line)
  const { baseUrl: _, path: __, ...known } = knownRequest(request, secrets)
  return { known, secrets: Object.fromEntries(secrets.values), notes }
}
const known = (line: string) => from(line).known
const U = 'https://api.shop.example/v1/orders'

describe('refused, by the name of the option', () => {
  const lines: [string, RegExp][] = [
    [`wget ${U}`, /does not begin with curl/],
    ['curl -s', /there is no URL/],
    [`curl ${U} ${U}/2`, /there are 2 URLs/],
    [`curl --frobnicate ${U}`, /the option --frobnicate of curl is not known/],
    [`curl --token=hunter2 ${U}`, /the option --token of curl is not known/],
    [`curl -sZ ${U}`, /the option -Z of curl is not known/],
    [`curl ${U} -H`, /-H has no value/],
    [`curl -F a=@b ${U}`, /-F sends multipart/],
    [`curl -I ${U}`, /-I asks for no body/],
    [`curl -T file ${U}`, /-T uploads a file/],
    [`curl --digest -u a:b ${U}`, /--digest is a way of authenticating/],
    [`curl -X PUT ${U}`, /the method PUT/],
    [`curl -d @file ${U}`, /--data reads file/],
    [`curl -b jar.txt ${U}`, /-b reads cookies from a file/],
    [`curl -d '[1]' -H 'content-type: application/json' ${U}`, /not a JSON object/],
    [`curl -d 'api_key=hunter2&token=hunter2' ${U}`, /more secrets than a source adds: api_key, token/],
    [`curl -d 'token=hunter2' '${U}?key=hunter2'`, /more secrets than a source adds: key, token/],
    [`curl "$BASE/orders"`, /not an http or https URL|the address has a variable/],
    [`curl "${U}/$ID"`, /the path has a variable/],
  ]
  for (const [line, words] of lines) {
    test(line, () => {
      assert.throws(
        () => known(line),
        (error) => error instanceof WrongUse && words.test(error.message) && !error.message.includes('hunter2'),
      )
    })
  }
})

test('harmless options are ignored, with their values; others are named with where a source declares them', () => {
  assert.deepEqual(known(`curl -sSLv --compressed -o out -m 5 --retry 3 -w '%{http_code}' ${U}`), {})
  const { known: rest, notes } = from(`curl -k --proxy http://p.example ${U}`)
  assert.deepEqual(rest, {})
  assert.deepEqual(notes.length, 2)
  assert.match(notes.join(), /-k is not taken over: see tls.*--proxy is not taken over: see proxy/)
})

test('parameters, also by -G, --url and --url-query', () => {
  assert.deepEqual(known(`curl '${U}?limit=5&state=open'`), { params: { limit: '5', state: 'open' } })
  assert.deepEqual(known(`curl -G --url ${U} -d limit=5 --data-urlencode 'q=a b&c'`), {
    params: { limit: '5', q: 'a b&c' },
  })
  assert.deepEqual(known(`curl ${U} --url-query a=1`), { params: { a: '1' } })
})

test('headers of the API are kept, those of curl and browsers are not', () => {
  const line = `curl ${U} -H 'Accept: application/vnd.shop+json' -H 'X-Version: 2' -H 'user-agent: Mozilla/5.0 (X11)' -H 'sec-fetch-mode: cors' -H 'Empty;' -A shop/1`
  assert.deepEqual(known(line), {
    headers: { Accept: 'application/vnd.shop+json', 'X-Version': '2', 'User-Agent': 'shop/1' },
  })
})

test('a body is JSON where it is an object, else a form', () => {
  assert.deepEqual(known(`curl ${U} --json '{"query": {"all": true}}'`), {
    method: 'POST',
    body: { query: { all: true } },
  })
  assert.deepEqual(known(`curl ${U} -d '{"a": 1}'`), { method: 'POST', body: { a: 1 } })
  assert.deepEqual(known(`curl ${U} -d a=1 -d 'b=x y'`), { method: 'POST', form: { a: '1', b: 'x y' } })
  assert.deepEqual(known(`curl -X GET ${U} --data-raw '{"a": 1}'`), { body: { a: 1 } })
})

describe('secrets become variables', () => {
  const key = (secret: string) => ({ secret })
  const lines: [string, object, object][] = [
    [
      `curl -H 'authorization: Bearer t0ken' ${U}`,
      { credentials: { kind: 'bearer', secret: 'SHOP_TOKEN' } },
      { SHOP_TOKEN: 't0ken' },
    ],
    [
      `curl --oauth2-bearer t0ken ${U}`,
      { credentials: { kind: 'bearer', secret: 'SHOP_TOKEN' } },
      { SHOP_TOKEN: 't0ken' },
    ],
    [
      `curl -H "Authorization: JWT $MY_JWT" ${U}`,
      { credentials: { kind: 'bearer', secret: 'MY_JWT', scheme: 'JWT' } },
      {},
    ],
    [
      `curl -H 'Authorization: k3y' ${U}`,
      { credentials: { kind: 'api-key', in: 'header', keys: { Authorization: key('SHOP_AUTHORIZATION') } } },
      { SHOP_AUTHORIZATION: 'k3y' },
    ],
    [
      `curl -u me:pa:ss ${U}`,
      { credentials: { kind: 'basic', username: key('SHOP_USER'), password: key('SHOP_PASSWORD') } },
      { SHOP_USER: 'me', SHOP_PASSWORD: 'pa:ss' },
    ],
    [
      `curl -u k3y: ${U}`,
      { credentials: { kind: 'basic', username: key('SHOP_KEY'), password: '' } },
      { SHOP_KEY: 'k3y' },
    ],
    [
      `curl https://me:pass@api.shop.example/v1`,
      { credentials: { kind: 'basic', username: key('SHOP_USER'), password: key('SHOP_PASSWORD') } },
      { SHOP_USER: 'me', SHOP_PASSWORD: 'pass' },
    ],
    [
      `curl -H 'Authorization: Basic ${Buffer.from('me:pass').toString('base64')}' ${U}`,
      { credentials: { kind: 'basic', username: key('SHOP_USER'), password: key('SHOP_PASSWORD') } },
      { SHOP_USER: 'me', SHOP_PASSWORD: 'pass' },
    ],
    [
      `curl -H 'X-Api-Key: k3y' ${U}`,
      { credentials: { kind: 'api-key', in: 'header', keys: { 'X-Api-Key': key('SHOP_X_API_KEY') } } },
      { SHOP_X_API_KEY: 'k3y' },
    ],
    [
      `curl '${U}?key=k3y&token=t0ken&page_token=p'`,
      {
        params: { page_token: 'p' },
        credentials: { kind: 'api-key', in: 'query', keys: { key: key('SHOP_KEY'), token: key('SHOP_TOKEN') } },
      },
      { SHOP_KEY: 'k3y', SHOP_TOKEN: 't0ken' },
    ],
    [
      `curl -H 'Authorization: Bearer t0ken' '${U}?api_key=k3y'`,
      {
        headers: { Authorization: key('SHOP_AUTHORIZATION') },
        credentials: { kind: 'api-key', in: 'query', keys: { api_key: key('SHOP_API_KEY') } },
      },
      { SHOP_API_KEY: 'k3y', SHOP_AUTHORIZATION: 'Bearer t0ken' },
    ],
    [
      `curl --json '{"api_key": "k3y", "page": 1}' ${U}`,
      {
        method: 'POST',
        body: { page: 1 },
        credentials: { kind: 'api-key', in: 'body', keys: { api_key: key('SHOP_API_KEY') } },
      },
      { SHOP_API_KEY: 'k3y' },
    ],
    [
      `curl -d "token=$TOKEN&state=open" ${U}`,
      {
        method: 'POST',
        form: { state: 'open' },
        credentials: { kind: 'api-key', in: 'form', keys: { token: key('TOKEN') } },
      },
      {},
    ],
    [
      `curl -b 'session=s3ss' -H 'Authorization: Bearer t0ken' ${U}`,
      { headers: { Cookie: key('SHOP_COOKIE') }, credentials: { kind: 'bearer', secret: 'SHOP_TOKEN' } },
      { SHOP_COOKIE: 'session=s3ss', SHOP_TOKEN: 't0ken' },
    ],
  ]
  for (const [line, wanted, secrets] of lines) {
    test(line, () => {
      const found = from(line)
      assert.deepEqual(found.known, wanted)
      assert.deepEqual(found.secrets, secrets)
    })
  }

  test('a variable in lower case, or mixed with other text, is refused', () => {
    assert.throws(() => known(`curl -H "X-Key: $key" ${U}`), /\$key cannot be the name of a secret/)
    assert.throws(() => known(`curl -H "X-Key: a-$KEY" ${U}`), /mixes a variable with other text/)
  })
})
