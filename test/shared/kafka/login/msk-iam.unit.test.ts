/**
 * Tokens for AWS MSK, by AWS's package. Their signature is calculated again here by the description of Signature
 * Version 4, and that calculation is checked on the example that AWS publishes of a presigned URL.
 */
import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { describe, test } from 'node:test'
import { systemClock } from '#shared/clock.ts'
import { explain, Unavailable, WrongUse } from '#shared/errors.ts'
import { mskToken } from '#shared/kafka/login/msk-iam.ts'

/** The credentials of AWS's own examples. */
const KEY_ID = 'AKIAIOSFODNN7EXAMPLE'
const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
const NO_PAYLOAD = createHash('sha256').update('').digest('hex')

const encoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)

/** Of a presigned GET whose only signed header is `host`. Parameters that were added later do not count. */
function signatureOf(url: URL, payload: string, addedLater: readonly string[] = []): string {
  const query = [...url.searchParams]
    .filter(([name]) => name !== 'X-Amz-Signature' && !addedLater.includes(name))
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    .sort()
    .join('&')
  const request = ['GET', url.pathname, query, `host:${url.host}`, '', 'host', payload].join('\n')
  const scope = (url.searchParams.get('X-Amz-Credential') ?? '').split('/').slice(1)
  const key = scope.reduce<Buffer>(
    (last, part) => createHmac('sha256', last).update(part).digest(),
    Buffer.from(`AWS4${SECRET}`),
  )
  const hash = createHash('sha256').update(request).digest('hex')
  const text = ['AWS4-HMAC-SHA256', url.searchParams.get('X-Amz-Date'), scope.join('/'), hash].join('\n')
  return createHmac('sha256', key).update(text).digest('hex')
}

/** With these credentials in the environment and nothing else of AWS. */
async function withCredentials<T>(given: Record<string, string>, work: () => Promise<T>): Promise<T> {
  const before = Object.entries(process.env).filter(([name]) => name.startsWith('AWS_'))
  for (const [name] of before) delete process.env[name]
  Object.assign(process.env, { AWS_EC2_METADATA_DISABLED: 'true', HOME: '/nowhere', ...given })
  try {
    return await work()
  } finally {
    for (const name of ['AWS_EC2_METADATA_DISABLED', ...Object.keys(given)]) delete process.env[name]
    Object.assign(process.env, Object.fromEntries(before), HOME)
  }
}
const HOME = process.env.HOME === undefined ? {} : { HOME: process.env.HOME }

describe('a token for AWS MSK', () => {
  test('is calculated as in the example that AWS publishes', () => {
    const url = new URL('https://examplebucket.s3.amazonaws.com/test.txt')
    for (const [name, value] of Object.entries({
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': `${KEY_ID}/20130524/us-east-1/s3/aws4_request`,
      'X-Amz-Date': '20130524T000000Z',
      'X-Amz-Expires': '86400',
      'X-Amz-SignedHeaders': 'host',
    }))
      url.searchParams.set(name, value)
    const published = 'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404'
    assert.equal(signatureOf(url, 'UNSIGNED-PAYLOAD'), published)
  })

  test('is a signed request to connect, of 15 minutes', async () => {
    const given = { AWS_ACCESS_KEY_ID: KEY_ID, AWS_SECRET_ACCESS_KEY: SECRET, AWS_SESSION_TOKEN: 'a/session+token=' }
    const { value, lifeMs } = await withCredentials(given, () => mskToken('eu-west-1', systemClock))
    const url = new URL(Buffer.from(value, 'base64url').toString('utf8'))
    assert.equal(`${url.protocol}//${url.host}${url.pathname}`, 'https://kafka.eu-west-1.amazonaws.com/')
    const query = Object.fromEntries(url.searchParams)
    assert.equal(query.Action, 'kafka-cluster:Connect')
    assert.equal(query['X-Amz-Expires'], '900')
    assert.equal(query['X-Amz-SignedHeaders'], 'host')
    assert.equal(query['X-Amz-Security-Token'], 'a/session+token=')
    assert.match(
      query['X-Amz-Credential'] ?? '',
      /^AKIAIOSFODNN7EXAMPLE\/\d{8}\/eu-west-1\/kafka-cluster\/aws4_request$/,
    )
    assert.equal(query['X-Amz-Signature'], signatureOf(url, NO_PAYLOAD, ['User-Agent']))
    assert.ok(lifeMs > 890_000 && lifeMs <= 900_000, String(lifeMs))
    assert.ok(!value.includes(SECRET) && !url.href.includes(SECRET))
  })

  test('needs credentials, and says so', async () => {
    await withCredentials({}, () =>
      assert.rejects(mskToken('eu-west-1', systemClock), (error) => {
        assert.ok(error instanceof Unavailable && error.code === 'HR_KAFKA_TOKEN', String(error))
        assert.match(explain(error), /no AWS credentials for Kafka: .*\n.*AWS_ACCESS_KEY_ID/s)
        return true
      }),
    )
  })

  test('needs the package, and says which', async () => {
    const missing = mskToken('eu-west-1', systemClock, 'a-signer-that-is-not-installed')
    await assert.rejects(missing, (error) => {
      assert.ok(error instanceof WrongUse && error.code === 'HR_PACKAGE_MISSING')
      assert.match(explain(error), /npm i aws-msk-iam-sasl-signer-js/)
      return true
    })
  })
})
