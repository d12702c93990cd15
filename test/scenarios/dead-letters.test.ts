/**
 * Dead letters are replayed beside a running fetcher and loader: what was corrected arrives, nothing older wins, what
 * is refused again is counted and at last left alone, and a replay that is killed is gone on with by the next one.
 */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { readLetter } from '#shared/messages/dead-letter.ts'
import { parseDeadLetterHeaders, replaysOf, singleHeaders } from '#shared/messages/frame.ts'
import { type LettersReplayed, REPLAYS_MAX } from '../../services/fetcher/dead-letters/replay.ts'
import type { LetterList } from '../../services/operator/dead-letters/list.ts'
import { until } from '../support/loading.ts'
import { type Pipeline, pipeline } from '../support/pipeline.ts'
import type { Closes } from '../support/processes.ts'
import { start } from '../support/processes.ts'
import { walkRecord } from '../support/walk-api.ts'

const TEST_MS_MAX = 180_000
const CORRECTED = 7

/** The declaration's author mends it. */
async function declare(p: Pipeline, map: string): Promise<void> {
  const file = join(p.env.HEADRACE_DIR ?? '', 'shop.ts')
  const text = (await readFile(file, 'utf8')).replace(/\n *map: .*,\n/, '\n')
  await writeFile(file, text.replace("primaryKey: ['id']", `\n map: ${map},\n primaryKey: ['id']`))
}
const correct = (when: string) =>
  `(raw) => ({ ...raw, total: raw.total === 'many' && (${when}) ? ${CORRECTED} : raw.total })`

async function replay(p: Pipeline, ...args: string[]): Promise<LettersReplayed & { status: number | null }> {
  const done = await p.run('dead-letters', 'replay', 'shop.orders', '--json', ...args)
  assert.ok(done.status === 0 || done.status === 3, done.stderr)
  return { ...JSON.parse(done.stdout), status: done.status }
}
const sums = ({ partitions }: LettersReplayed) =>
  (['published', 'refused', 'parked'] as const).map((name) => partitions.reduce((total, each) => total + each[name], 0))

async function list(p: Pipeline, ...args: string[]): Promise<LetterList> {
  return JSON.parse((await p.run('dead-letters', 'list', 'shop.orders', '--json', ...args)).stdout)
}
const counts = async (p: Pipeline) => {
  const { open, done } = await list(p)
  return [open, done]
}

/** Ids of the records that came from letters, with what they were fetched at. */
async function replayedIds(p: Pipeline): Promise<string[]> {
  const records = (await p.messages(p.topic)).filter(({ value, headers }) => value !== null && replaysOf(headers) > 0)
  return records.map(({ value }) => JSON.parse(value?.subarray(5).toString() ?? '').id)
}
const totals = async (p: Pipeline) => new Map((await p.rows()).map(({ id, total }) => [id, total]))

describe('a replay of dead letters', () => {
  test('brings what a corrected map accepts into the table, beside a running fetcher and loader', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const p = await pipeline(t, {
      regions: ['eu', 'us'],
      records: 200,
      pageSize: 20,
      badEvery: 20,
      stream: "every: '200ms',",
    })
    await p.fetchOnce()
    const bad = p.api.bad()
    const loader = p.loader()
    await declare(p, correct("raw.region === 'eu'"))
    const fetcher = p.fetcher()
    let number = 200
    const feed = setInterval(() => {
      for (const region of ['eu', 'us']) p.api.put(walkRecord(region, number))
      number += 1
    }, 20)
    t.after(() => clearInterval(feed))

    const dry = await replay(p, '--dry-run')
    assert.deepEqual(
      [sums(dry), await counts(p)],
      [
        [10, 10, 0],
        [20, 0],
      ],
    )
    const done = await replay(p)
    assert.deepEqual([done.status, sums(done)], [3, [10, 10, 0]])
    clearInterval(feed)

    const corrected = bad.filter((id) => id.startsWith('eu'))
    await until('the corrected ones are in the table', async () => {
      const rows = await totals(p)
      return (
        corrected.every((id) => rows.get(id) === CORRECTED) && rows.size === p.api.valid().length + corrected.length
      )
    })
    await fetcher.stop()
    await loader.stop()
    assert.deepEqual(loader.logged(/a page of/), [], 'every page has the records that its marker counts')
    assert.deepEqual((await replayedIds(p)).sort(), corrected.sort())
    // Ten are done for good; ten were replaced by letters that know of the replay.
    assert.deepEqual(await counts(p), [10, 20])
    const pages = await p.query<{ records: number }>(
      `SELECT records FROM {db}.headrace_pages FINAL WHERE run = '${done.run}'`,
    )
    assert.deepEqual(
      pages.map(({ records }) => records),
      [10],
    )
  })

  test('never beats a version that was fetched later', { timeout: TEST_MS_MAX }, async (t) => {
    const p = await pipeline(t, { records: 60, badEvery: 20 })
    await p.fetchOnce()
    const last = p.api.bad().at(-1) ?? ''
    assert.equal(last, walkRecord('eu', 59).id)
    // The same time of change: only the time of the fetch tells the versions apart.
    p.api.put(walkRecord('eu', 59, 99))
    await p.fetchOnce()
    await declare(p, correct('true'))
    assert.deepEqual(sums(await replay(p)), [3, 0, 0])
    await p.loadAll()
    const rows = await totals(p)
    assert.deepEqual([rows.get(last), p.api.bad().map((id) => rows.get(id))], [99, [CORRECTED, CORRECTED]])
    assert.equal((await replayedIds(p)).length, 3)
  })

  test('counts what is refused again, leaves it alone in the end, and takes it with --force', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const p = await pipeline(t, { records: 20, badEvery: 20 })
    await p.fetchOnce()
    for (let time = 1; time <= REPLAYS_MAX; time++) assert.deepEqual(sums(await replay(p)), [0, 1, 0])
    assert.deepEqual(sums(await replay(p)), [0, 0, 1])
    const letters = (await p.messages(p.deadLetterTopic)).filter(({ value }) => value !== null)
    const facts = letters.map(({ headers }) => parseDeadLetterHeaders(singleHeaders(headers)))
    assert.deepEqual(
      facts.map(({ replays }) => replays ?? 0),
      Array.from({ length: REPLAYS_MAX + 1 }, (_, time) => time),
    )
    const fetched = letters
      .map((message) => readLetter(0, message))
      .map((found) => ('letter' in found ? found.letter.atMs : assert.fail()))
    assert.deepEqual([new Set(facts.map(({ run }) => run)).size, new Set(fetched).size], [1, 1])
    const written = letters.map(({ timestamp }) => Number(timestamp))
    assert.ok(
      new Set(written).size > 1,
      "retention takes a letter by the time of its record's fetch, however new it is",
    )
    await declare(p, correct('true'))
    assert.deepEqual(sums(await replay(p)), [0, 0, 1])
    assert.deepEqual(sums(await replay(p, '--force')), [1, 0, 0])
    assert.deepEqual(await counts(p), [0, REPLAYS_MAX + 1])
  })

  test('takes only what the filters name, and nothing that was dropped', { timeout: TEST_MS_MAX }, async (t) => {
    const p = await pipeline(t, { regions: ['eu', 'us'], records: 60, badEvery: 20 })
    await p.fetchOnce()
    await declare(p, correct('true'))
    const unsure = await p.run('dead-letters', 'drop', 'shop.orders')
    assert.deepEqual([unsure.status, await counts(p)], [2, [6, 0]])
    assert.match(unsure.stderr, /hint: add --yes/)
    assert.deepEqual(sums(await replay(p, '--reason', 'other')), [0, 0, 0])
    assert.deepEqual(sums(await replay(p, '--until', '2001-01-01T00:00:00Z')), [0, 0, 0])
    const [one, two] = (await list(p, '--partition', '1')).letters
    assert.deepEqual(sums(await replay(p, '--at', `1:${one?.offset}`)), [1, 0, 0])
    const dropped = await p.run('dead-letters', 'drop', 'shop.orders', '--yes', '--json', '--at', `1:${two?.offset}`)
    assert.deepEqual(JSON.parse(dropped.stdout), {
      v: 1,
      stream: 'shop.orders',
      letters: 1,
      more: false,
      dropped: true,
    })
    assert.deepEqual(await counts(p), [4, 2])
    const { streams } = JSON.parse((await p.run('status', '--json')).stdout)
    assert.deepEqual(streams[0].partitions[1].deadLetters, {
      count: 1,
      done: 2,
      more: false,
      reasons: { invalid_type: 1 },
    })
    const shown = await p.run('dead-letters', 'show', 'shop.orders', '--json', '--at', `1:${two?.offset}`)
    assert.equal(JSON.parse(shown.stdout).state, 'done')
    assert.deepEqual(sums(await replay(p)), [4, 0, 0])
    assert.deepEqual([(await replayedIds(p)).length, await counts(p)], [5, [0, 6]])
    assert.equal((await list(p, '--done')).letters.length, 6)
  })

  test('that is killed is gone on with by the next one: each letter comes back once', {
    timeout: TEST_MS_MAX,
  }, async (t) => {
    const p = await pipeline(t, {
      regions: ['eu', 'us'],
      records: 15_000,
      pageSize: 1_000,
      badEvery: 3,
      stream: 'rejectedShareMax: 0.5,',
    })
    await p.fetchOnce()
    await declare(p, correct('true'))
    const closes: Closes = t
    const args = ['--sources', p.env.HEADRACE_DIR ?? '', 'dead-letters', 'replay', 'shop.orders']
    for (const partition of [0, 1]) {
      const victim = start(closes, 'replay', args, p.env)
      await until(
        'it has begun',
        async () =>
          ((await p.kafka.committed(p.names.lettersGroup, p.deadLetterTopic))[partition] ?? null) !== null ||
          victim.ended() !== null,
      )
      victim.kill('SIGKILL')
      assert.equal((await victim.exit).signal, 'SIGKILL')
    }
    const before = (await replayedIds(p)).length
    assert.ok(before > 0 && before < 10_000, `${before} came back before the kills`)
    assert.equal((await replay(p)).status, 0)
    const ids = await replayedIds(p)
    assert.deepEqual([ids.length, new Set(ids).size], [10_000, 10_000])
    await p.loadAll()
    assert.equal((await totals(p)).size, 30_000)
  })
})
