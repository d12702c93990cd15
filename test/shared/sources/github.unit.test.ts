import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { walkRecorded } from 'headrace/testing'
import github from '#shared/sources/github.ts'
import { fastClock } from '../../support/clocks.ts'
import { startServer } from '../../support/http.ts'
import { between, randomFrom } from '../../support/random.ts'
import { testSeed } from '../../support/seed.ts'
import { GITHUB_TOKEN, type Kept, likeGithub, START_MS, seconds } from './like-github.ts'
import { openExample, pick, picked, type Row } from './running.ts'

const RECORDING = new URL('./github.issues.recording.json', import.meta.url)

describe('recorded pages of GitHub issues', () => {
  test('are asked for by the link of the page before, oldest change first', async () => {
    const { requests, pages } = await walkRecorded(github, 'issues', RECORDING)
    assert.equal(pages, 3)
    const asked = requests.map(({ method, url }) => [
      method,
      new URL(url).pathname,
      new URL(url).searchParams.get('after'),
    ])
    assert.deepEqual(asked, [
      ['GET', '/repos/octocat/Hello-World/issues', null],
      ['GET', '/repositories/1296269/issues', 'Y3Vyc29yLTE='],
      ['GET', '/repositories/1296269/issues', 'Y3Vyc29yLTI='],
    ])
    for (const { url, headers } of requests) {
      const { searchParams } = new URL(url)
      const names = ['state', 'sort', 'direction', 'per_page', 'since']
      assert.deepEqual(
        names.map((name) => searchParams.get(name)),
        ['all', 'updated', 'asc', '100', null],
      )
      assert.deepEqual(headers, { accept: 'application/vnd.github+json' })
    }
  })

  test('become flat records: names, no addresses, null where there is nothing', async () => {
    const { records } = await walkRecorded(github, 'issues', RECORDING)
    assert.deepEqual(
      records.map(({ number, updated_at }) => [number, updated_at]),
      [
        [11, '2026-01-05T09:00:00Z'],
        [13, '2026-01-07T11:00:00Z'],
        [14, '2026-01-08T12:00:00Z'],
        [16, '2026-01-10T14:00:00Z'],
      ],
    )
    assert.deepEqual(records[0], {
      id: 2_900_000_011,
      number: 11,
      title: 'The mill wheel stops 11',
      body: 'It *stops* at night.',
      state: 'open',
      state_reason: null,
      type: 'Bug',
      author: 'miller-example',
      author_association: 'OWNER',
      labels: ['bug', 'water'],
      assignees: ['smith-example'],
      milestone: 'Spring flood',
      comments: 3,
      reactions: 2,
      locked: false,
      active_lock_reason: null,
      created_at: '2026-01-05T08:00:00Z',
      updated_at: '2026-01-05T09:00:00Z',
      closed_at: null,
      closed_by: null,
      html_url: 'https://github.com/octocat/Hello-World/issues/11',
      owner: 'octocat',
      repo: 'Hello-World',
    })
    const closed = pick(records[1], ['state', 'state_reason', 'closed_by', 'type', 'milestone', 'body'])
    assert.deepEqual(closed, {
      state: 'closed',
      state_reason: 'completed',
      closed_by: 'smith-example',
      type: null,
      milestone: null,
      body: null,
    })
    assert.equal(records[2]?.author, null)
  })

  test('leave pull requests out, and tell of a bad record and of what GitHub adds', async () => {
    const { leftOut, deadLetters, drift, records } = await walkRecorded(github, 'issues', RECORDING)
    assert.equal(leftOut, 1)
    assert.deepEqual(
      deadLetters.map(({ page, issues }) => [page, issues.split(':')[0]]),
      [[2, 'title']],
    )
    assert.deepEqual(drift, { pinned: 'boolean' })
    assert.deepEqual(records.at(-1)?._extra, { pinned: true })
  })
})

describe('against a server that behaves like GitHub', () => {
  test('every issue is there after it changed, also while pages are walked, and no request comes too often', async (t) => {
    const random = randomFrom(testSeed())
    const clock = fastClock({ startMs: START_MS, speed: 400 })
    const issues = new Map<number, Kept>()
    const put = (id: number, ms: number) =>
      issues.set(id, {
        id,
        title: `title ${between(random, 0, 1e6)}`,
        state: random() < 0.5 ? 'open' : 'closed',
        updated_at: seconds(ms),
        pull: id % 7 === 0,
      })
    for (let id = 1; id <= 350; id++) put(id, START_MS - between(random, 2, 100) * 60_000)
    let changing = true
    const { script, seen } = likeGithub(issues, clock, (nowMs) => {
      if (changing) for (let change = 0; change < 5; change++) put(between(random, 1, 360), nowMs)
    })
    const server = await startServer(t, script)
    const example = openExample(t, github, server.url, clock, { GITHUB_TOKEN })

    const first = await example.run(null, () => random() < 0.3)
    assert.ok(first.pages.length >= 4)
    // Sorted: each page confirms how far it came.
    assert.ok(first.pages.every(({ marker }) => marker.watermark !== null))
    changing = false
    const second = await example.run(first.watermark)

    const fields = ['id', 'title', 'state', 'updated_at']
    const held = [...issues.values()]
      .filter(({ pull }) => !pull)
      .map((issue): [string, Row] => [String(issue.id), issue])
    assert.deepEqual(picked(example.table, fields), picked(held, fields))
    assert.deepEqual([...first.rejected, ...second.rejected], [])
    assert.ok(second.rows.length < held.length, 'the second run asks for changes only')
    assert.match(seen.sinces[1] ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    assert.equal(seen.refused, 0)
    assert.ok(!example.logged().includes(GITHUB_TOKEN))
  })
})
