import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { pageMarker } from '#shared/messages/frame.ts'
import { markerOf, NO_TOTALS, totalsWith } from '../../../services/fetcher/publish/page-marker.ts'

const request = { method: 'GET', url: new URL('http://127.0.0.1/'), headers: {}, body: undefined } as const
const response = {
  status: 200,
  headers: {},
  body: {},
  bytes: 9,
  request,
  attempts: 3,
  retries: 2,
  durationMs: 1.6,
  fetchedMs: 7,
}
const reject = { raw: '', reason: '', issues: '' }
const judged = {
  records: [],
  rejected: [reject, reject],
  positions: [],
  drift: new Map([['a', 'string']]),
  absent: new Set<string>(),
  omitted: 1,
}
const fresh = { records: [{ key: '', payload: '', position: null }], rejected: [reject], unchanged: 4, refused: 0 }

describe('the facts of a page', () => {
  test('the marker counts what is published, not what was read, and is one that the loader takes', () => {
    const marker = markerOf({ run: 'r', page: 2, watermark: null, last: true }, response, judged, fresh)
    assert.deepEqual(pageMarker.parse(marker), {
      ...{
        v: 1,
        run: 'r',
        page: 2,
        watermark: null,
        last: true,
        at: 7,
        records: 1,
        deadLetters: 1,
        unchanged: 4,
        leftOut: 1,
        drift: 1,
      },
      ...{ requests: 3, retries: 2, bytes: 9, durationMs: 2 },
    })
  })

  test('the marker says of left-out records only where there are any, and carries what the place has', () => {
    const place = {
      run: 'r',
      page: 2,
      watermark: 'w',
      share: 's',
      coveredBelow: 3,
      last: false,
      complete: { from: 1, startedMs: 2 },
    }
    const marker = markerOf(
      place,
      response,
      { ...judged, omitted: 0, drift: new Map() },
      { ...fresh, records: [], rejected: [] },
    )
    assert.deepEqual(marker, {
      ...{ v: 1, ...place, at: 7, records: 0, deadLetters: 0, unchanged: 4, drift: 0 },
      ...{ requests: 3, retries: 2, bytes: 9, durationMs: 2 },
    })
  })

  test('the totals name each path of drift once and in few characters', () => {
    const marker = markerOf({ run: 'r', page: 1, watermark: null, last: false }, response, judged, fresh)
    const drifting = (...paths: string[]) => ({
      ...judged,
      drift: new Map(paths.map((path) => [path, 'string'] as const)),
    })
    const { drift } = totalsWith(
      totalsWith(NO_TOTALS, marker, drifting('a', 'b')),
      marker,
      drifting('b', 'c', 'x'.repeat(10_000)),
    )
    assert.deepEqual(drift.slice(0, 3), ['a', 'b', 'c'])
    assert.ok(drift.length === 4 && (drift[3] ?? '').length < 500)
  })

  test('the totals grow by each page and keep a few paths of drift', () => {
    const marker = markerOf({ run: 'r', page: 1, watermark: null, last: false }, response, judged, fresh)
    const many = {
      ...judged,
      drift: new Map(Array.from({ length: 20 }, (_, at): [string, string] => [`p${at}`, 'null'])),
    }
    const totals = totalsWith(totalsWith(NO_TOTALS, marker, judged), marker, many)
    assert.deepEqual(totals, {
      records: 2,
      deadLetters: 2,
      unchanged: 8,
      requests: 6,
      retries: 4,
      drift: ['a', 'p0', 'p1', 'p2', 'p3'],
    })
  })
})
