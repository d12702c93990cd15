/** Who settles letters holds the partition alone, and what is done stays done, also without the group's commit. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { systemClock } from '#shared/clock.ts'
import { FencedError } from '#shared/kafka/kafka.ts'
import { type LetterLog, letterLog } from '#shared/messages/dead-letter-log.ts'
import { deadLetterHeaders } from '#shared/messages/frame.ts'
import { closeAll, ownPlace, type Place, type Published, publish } from '../../support/published.ts'

const LETTERS = 6

let place: Place
let published: Published
let letters = ''
before(async () => {
  place = await ownPlace()
  published = await publish(place)
  letters = place.names.deadLetters(published.topic)
  const sender = place.kafka.sender()
  const headers = deadLetterHeaders({ stage: 'validate', reason: 'invalid_type', issues: '' })
  await sender.send({
    topic: letters,
    partition: 0,
    messages: Array.from({ length: LETTERS }, () => ({ key: null, value: '{}', headers })),
  })
  await sender.close()
})
after(closeAll)

const open = (): LetterLog => letterLog({ ...place, clock: systemClock, topic: published.topic, partition: 0 })
const offset = ({ offset }: { offset: number }) => offset
const settle = (log: LetterLog, done: number[], found: Awaited<ReturnType<LetterLog['readOpen']>>) =>
  log.markDone({ how: 'dropped', done, records: [], letters: [] }, found)

describe('a letter log', () => {
  test('takes nothing from a holder that another one has fenced', async () => {
    const [first, second] = [open(), open()]
    await first.fence()
    const seen = await first.readOpen(offset)
    await second.fence()
    await assert.rejects(settle(first, [0], seen), FencedError)
    assert.equal((await second.readOpen(offset)).open.size, LETTERS)
    await first.close()
    await second.close()
  })

  test('commits where everything below is done, and reads from there', async () => {
    const log = open()
    await log.fence()
    const found = await log.readOpen(offset)
    const committed = async () => (await place.kafka.committed(place.names.lettersGroup, letters))[0]?.offset
    await settle(log, [1, 2, 4], found)
    await log.fence()
    assert.equal(await committed(), 0)
    await settle(log, [0], found)
    await log.fence()
    assert.equal(await committed(), 3)
    assert.deepEqual([...(await log.readOpen(offset)).open.keys()], [3, 5])
    await log.close()
  })

  test('knows what is done when the commit is gone or strange', async () => {
    for (const strange of [0, 2]) {
      await place.kafka.resetOffsets(place.names.lettersGroup, letters, new Map([[0, strange]]))
      const log = open()
      assert.deepEqual([...(await log.readOpen(offset)).open.keys()], [3, 5])
      await log.close()
    }
  })
})
