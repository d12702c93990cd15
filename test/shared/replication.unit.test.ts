import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { replicationWarnings } from '#shared/replication.ts'

const THREE = [3, 1, 2]
const warnings = (brokers: number[], partitions: number[][], inSync?: string) =>
  replicationWarnings('acme.shop.orders', { brokers, partitions }, inSync)

describe('the copies of a topic', () => {
  test('are enough with three of them, of which two must be in sync', () => {
    assert.deepEqual(warnings(THREE, [[1, 2, 3]], '2'), [])
    assert.deepEqual(warnings([1, 2, 3, 4, 5], [[1, 2, 3]], '2'), [], 'more than three are not asked for')
  })

  test('are enough with as many as there are brokers', () => {
    assert.deepEqual(warnings([1], [[1]], '1'), [])
    assert.deepEqual(warnings([1, 2], [[2, 1]], '1'), [], 'two in sync would stop all writing without one broker')
  })

  test('are too few below that, and the command keeps those that are there and spreads the others', () => {
    const [first, ...more] = warnings(THREE, [[2], [1, 2, 3], [1, 3], [1]], '2')
    assert.deepEqual(more, [])
    assert.match(first?.what ?? '', /^acme\.shop\.orders has 1 of 3 possible copies/)
    const json = /^echo '(.*)' > copies\.json && kafka-reassign-partitions .*--execute$/.exec(first?.remedy ?? '')?.[1]
    assert.deepEqual(JSON.parse(json ?? ''), {
      version: 1,
      partitions: [
        { topic: 'acme.shop.orders', partition: 0, replicas: [2, 1, 3] },
        { topic: 'acme.shop.orders', partition: 2, replicas: [1, 3, 2] },
        { topic: 'acme.shop.orders', partition: 3, replicas: [1, 3, 2] },
      ],
    })
    assert.equal(warnings([1, 2], [[1]], '1').length, 1)
  })

  test('count as written with one only: the setting comes after the copies', () => {
    const [only] = warnings(THREE, [[1, 2, 3]], '1')
    assert.match(only?.what ?? '', /min\.insync\.replicas=1/)
    assert.match(only?.remedy ?? '', /^kafka-configs .*--entity-name acme\.shop\.orders .*min\.insync\.replicas=2$/)
    const [copies, setting] = warnings(THREE, [[1]], '1')
    assert.match(copies?.remedy ?? '', /kafka-reassign-partitions/)
    assert.match(setting?.remedy ?? '', /^when it has 3 copies: kafka-configs /)
  })

  test('say nothing of a setting that may not be read', () => {
    assert.deepEqual(warnings(THREE, [[1, 2, 3]], undefined), [])
  })
})
