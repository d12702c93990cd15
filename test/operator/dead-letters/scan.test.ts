/** `headrace dead-letters list` and `show`: what was refused, found by reason, stage, run, time and partition. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { LetterList, ShownLetter } from '../../../services/operator/dead-letters/list.ts'
import { type Pipeline, pipeline } from '../../support/pipeline.ts'
import type { Closes } from '../../support/processes.ts'

type Listed = Omit<LetterList, 'letters'> & {
  letters: (Omit<LetterList['letters'][number], 'atMs'> & { at: string })[]
}

let p: Pipeline
const closers: (() => void | Promise<void>)[] = []
const closes: Closes = { after: (close) => void closers.push(close) }

before(async () => {
  p = await pipeline(closes, { regions: ['eu', 'us'], records: 60, badEvery: 20 })
  await p.fetchOnce()
})
after(async () => {
  for (const close of closers.reverse()) await close()
})

async function list(...args: string[]): Promise<Listed> {
  const done = await p.run('dead-letters', 'list', 'shop.orders', '--json', ...args)
  assert.equal(done.status, 0, done.stderr)
  return JSON.parse(done.stdout)
}

describe('dead-letters', () => {
  test('refuses a place, a time, a stage and a number that are none, each by its flag', async () => {
    for (const [action, flag, value, says] of [
      ['show', '--at', '7', '--at must be partition:offset, got 7'],
      ['list', '--since', '2026-02-31', '--since must be a time, got 2026-02-31'],
      ['list', '--stage', 'moon', '--stage must be one of validate, insert, frame, got moon'],
      ['list', '--partition', 'eu', '--partition must be a whole number, got eu'],
    ] as const) {
      const done = await p.run('dead-letters', action, 'shop.orders', flag, value)
      assert.equal(done.status, 2)
      assert.ok(done.stderr.includes(says), done.stderr)
    }
    const absent = await p.run('dead-letters', 'show', 'shop.orders', '--at', '0:9000')
    assert.equal(absent.status, 2)
    assert.match(absent.stderr, /has no dead letter at 0:9000/)
    assert.match((await p.run('dead-letters', 'list', 'shop.tables')).stderr, /no topic of a stream "shop.tables"/)
  })

  test('list counts the reasons and shows the newest letters with where they came from', async () => {
    const all = await list()
    assert.deepEqual([all.open, all.done, all.more, all.reasons], [6, 0, false, { invalid_type: 6 }])
    assert.deepEqual(all.letters.map(({ partition }) => partition).sort(), [0, 0, 0, 1, 1, 1])
    const runs = new Set((await p.markers()).map(({ run }) => run))
    for (const each of all.letters) {
      assert.match(each.issues, /^total: /)
      assert.deepEqual([each.stage, each.state, each.replays, runs.has(each.run ?? '')], ['validate', 'open', 0, true])
    }
    const text = (await p.run('dead-letters', 'list', 'shop.orders')).stdout
    assert.match(text, /6 open dead letters, 0 done\n {2}6 {2}invalid_type\n/)
    const few = await list('--limit', '2')
    assert.deepEqual([few.open, few.letters], [6, all.letters.slice(0, 2)])
  })

  test('list finds by partition, run, reason, stage and time', async () => {
    const all = await list()
    const run = all.letters.find(({ partition }) => partition === 1)?.run ?? ''
    assert.equal((await list('--partition', '1')).open, 3)
    assert.deepEqual(new Set((await list('--run', run)).letters.map(({ partition }) => partition)), new Set([1]))
    assert.equal((await list('--reason', 'invalid_type', '--reason', 'other')).open, 6)
    assert.deepEqual((await list('--reason', 'other')).letters, [])
    assert.equal((await list('--stage', 'insert')).open, 0)
    const [newest] = all.letters
    assert.equal(
      (await list('--since', newest?.at ?? '')).letters.length +
        (await list('--until', newest?.at ?? '')).letters.length,
      6,
    )
    assert.equal((await list('--since', '2199-01-01T00:00:00Z')).open, 0)
  })

  test('show gives the headers and the bytes as the API sent them', async () => {
    const [newest] = (await list()).letters
    const at = `${newest?.partition}:${newest?.offset}`
    const done = await p.run('dead-letters', 'show', 'shop.orders', '--json', '--at', at)
    const shown = JSON.parse(done.stdout) as ShownLetter
    assert.deepEqual(
      [shown.reason, shown.state, shown.rawCut, shown.topic],
      ['invalid_type', 'open', false, p.deadLetterTopic],
    )
    assert.ok(p.api.bad().includes(JSON.parse(shown.raw).id))
    assert.equal(shown.headers['headrace-run'], newest?.run)
    const text = (await p.run('dead-letters', 'show', 'shop.orders', '--at', at)).stdout
    assert.match(text, /headrace-reason: invalid_type/)
    assert.ok(text.includes(shown.raw))
  })
})
