/** The brokers that other tests start for themselves: do they do what their comment says? */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { after, describe, test } from 'node:test'
import { systemClock as clock } from '#shared/clock.ts'
import { connectKafka, type KafkaOptions } from '#shared/kafka/kafka.ts'
import { silentLog as log } from '#shared/log.ts'
import { makeAuthority } from './certificates.ts'
import { type OwnBrokersOptions, ownBrokers } from './own-brokers.ts'

type Close = () => void | Promise<void>

async function connect(brokers: string, options: Partial<KafkaOptions> = {}) {
  return connectKafka({ brokers: brokers.split(','), clientId: 'test', ...options }, { log, clock })
}

/** Brokers whose end the test itself decides. */
async function started(options: OwnBrokersOptions) {
  const closes: Close[] = []
  const end = async () => {
    for (const close of closes.splice(0).reverse()) await close()
  }
  after(end)
  return { end, starting: ownBrokers({ after: (close) => void closes.push(close) }, options) }
}

describe('brokers of one test', () => {
  test('brokers that cannot start say why, and leave nothing behind', async () => {
    const { end, starting } = await started({ properties: { 'process.roles': 'nothing' } })
    await assert.rejects(starting, /formatting Kafka's log folder failed[\s\S]*nothing/)
    await end()
    const late = await started({ properties: { 'authorizer.class.name': 'no.such.Class' } })
    await assert.rejects(late.starting, /broker 1 has ended[\s\S]*no.such.Class/)
    await late.end()
  })

  test('a broker with TLS, logins and ACLs lets in who has the password, and allows what was given', async () => {
    const authority = makeAuthority()
    const { end, starting } = await started({
      acls: true,
      clients: {
        mechanisms: ['SCRAM-SHA-256', 'SCRAM-SHA-512', 'PLAIN'],
        users: { fetcher: 'right' },
        tls: authority.issue('broker'),
      },
    })
    const brokers = await starting
    const tls = { ca: authority.ca }
    const sasl = (mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512', password = 'right') =>
      connect(brokers.brokers, { tls, sasl: { mechanism, username: 'fetcher', password } })
    await assert.rejects(sasl('scram-sha-256', 'wrong'), { code: 'HR_KAFKA_REFUSED' })
    await assert.rejects(connect(brokers.brokers, { tls }), { code: 'HR_KAFKA_UNREACHABLE' })
    for (const mechanism of ['plain', 'scram-sha-512'] as const) await (await sasl(mechanism)).close()

    const kafka = await sasl('scram-sha-256')
    const create = () => kafka.ensureTopic({ topic: 'own.orders', partitions: 1, replicationFactor: 1 })
    await assert.rejects(create())
    await brokers.allow('fetcher', { topic: 'own.*' }, ['CREATE', 'DESCRIBE'])
    await create()
    await brokers.disallow('fetcher', { topic: 'own.*' }, ['CREATE', 'DESCRIBE'])
    await assert.rejects(kafka.logRanges('own.orders'))
    await kafka.close()
    await end()
    assert.equal(existsSync(brokers.dir), false)
  })

  test('a broker that asks for certificates knows its clients by them', async () => {
    const [servers, people] = [makeAuthority(), makeAuthority()]
    const { end, starting } = await started({
      acls: true,
      clients: { tls: servers.issue('broker'), clientCa: people.ca },
    })
    const brokers = await starting
    await assert.rejects(connect(brokers.brokers, { tls: { ca: servers.ca } }))
    const kafka = await connect(brokers.brokers, { tls: { ca: servers.ca, ...people.issue('fetcher') } })
    await brokers.allow('CN=fetcher', { topic: 'orders' }, ['CREATE', 'DESCRIBE'])
    await kafka.ensureTopic({ topic: 'orders', partitions: 1, replicationFactor: 1 })
    await kafka.close()
    await end()
  })
})
