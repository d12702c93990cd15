import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { alterCommand, settingDifferences, topicSpecs } from '#shared/topic-specs.ts'

const specs = topicSpecs({ retentionMs: 86_400_000, replicationFactor: 3 })
const DAY = ['retention.ms', '86400000'] as const
const DELETE = ['cleanup.policy', 'delete'] as const

describe('the settings of topics', () => {
  test('of records and of dead letters differ only in the room for a message', () => {
    const [records, letters] = [specs.records('t', 4), specs.deadLetters('t', 4)]
    assert.deepEqual({ ...records, config: null }, { topic: 't', partitions: 4, replicationFactor: 3, config: null })
    assert.deepEqual(records.config, Object.fromEntries([DAY, ['max.message.bytes', '8388608'], DELETE]))
    assert.deepEqual(letters, { ...records, config: { ...records.config, 'max.message.bytes': '16777216' } })
  })
})

describe('a topic that exists', () => {
  const differences = (...actual: (readonly [string, string])[]) =>
    settingDifferences(specs.deadLetters('t', 1), new Map(actual))

  test('differs where a setting has another value, or less room for a message', () => {
    assert.deepEqual(differences(DAY, ['max.message.bytes', '16777215'], ['cleanup.policy', 'compact']), [
      { name: 'max.message.bytes', is: '16777215', wanted: '16777216' },
      { name: 'cleanup.policy', is: 'compact', wanted: 'delete' },
    ])
    assert.deepEqual(differences(['retention.ms', '-1']), [{ name: 'retention.ms', is: '-1', wanted: '86400000' }])
  })

  test('does not differ where settings are equal, have more room for a message, or cannot be read', () => {
    for (const bytes of ['16777216', '16777217'])
      assert.deepEqual(differences(DAY, ['max.message.bytes', bytes], DELETE), [])
    assert.deepEqual(differences(), [])
  })

  test('is set as expected by the command that is named', () => {
    const command = alterCommand('a.b', differences(['retention.ms', '1'], ['max.message.bytes', '1']))
    assert.match(command, /--entity-name a\.b --add-config retention\.ms=86400000,max\.message\.bytes=16777216$/)
  })
})
