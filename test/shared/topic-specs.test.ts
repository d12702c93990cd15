/** Topics that exist already, on the real broker. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createLog } from '#shared/log.ts'
import { ensureTopic, topicSpecs } from '#shared/topic-specs.ts'
import { bench } from './kafka/helpers.ts'

const specs = topicSpecs({ retentionMs: 86_400_000, replicationFactor: 1 })

function logged() {
  const lines: { msg: string; hint?: string }[] = []
  const write = (line: string) => void lines.push(JSON.parse(line))
  return { lines, log: createLog({ name: 'test', level: 'info', pretty: false, colours: false, write }) }
}

describe('a topic that is to be there', () => {
  test('and has other settings is left as it is, with a warning that names each difference and the command', async (t) => {
    const { kafka, topic } = await bench(t)
    const { lines, log } = logged()
    const name = `${topic}-small`
    await kafka.ensureTopic({
      topic: name,
      partitions: 1,
      replicationFactor: 1,
      config: { 'max.message.bytes': '1000000' },
    })
    assert.equal(await ensureTopic(kafka, specs.deadLetters(name, 1), log), 'present')
    assert.equal(lines.length, 1)
    assert.match(
      lines[0]?.msg ?? '',
      /retention\.ms is \d+, expected 86400000; max\.message\.bytes is 1000000, expected 16777216/,
    )
    assert.match(
      lines[0]?.hint ?? '',
      /--entity-name \S+-small --add-config retention\.ms=86400000,max\.message\.bytes=16777216$/,
    )
    assert.equal((await kafka.topicSettings(name, ['max.message.bytes'])).get('max.message.bytes'), '1000000')
  })

  test('is made with its settings, and is not warned of when it is there again or grows', async (t) => {
    const { kafka, topic } = await bench(t)
    const { lines, log } = logged()
    const name = `${topic}-made`
    for (const [partitions, outcome] of [
      [1, 'created'],
      [1, 'present'],
      [2, 'grown'],
    ] as const)
      assert.equal(await ensureTopic(kafka, specs.records(name, partitions), log), outcome)
    assert.deepEqual(lines, [])
    assert.deepEqual(await kafka.topicSettings(`${topic}-none`, ['retention.ms']), new Map())
  })
})
