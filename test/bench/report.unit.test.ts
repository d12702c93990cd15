import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createPageWriter, eventSchema } from '../../bench/events.ts'
import { median, quantile, slopeOf } from '../../bench/numbers.ts'
import { benchOptions, USUAL_PARTS } from '../../bench/options.ts'
import { PAGE_RECORDS } from '../../bench/pages.ts'
import { REALISTIC_STREAMS, realisticStream, realisticWriter } from '../../bench/realistic.ts'
import { memoryOf, type Sample } from '../../bench/usage.ts'
import { parseJson } from '../../services/fetcher/http/transport/lossless-json.ts'
import { createValidator } from '../../services/fetcher/validate/validate.ts'

describe('the bench, without its servers', () => {
  test('a size that is none and a part that is unknown are refused with the usage', () => {
    for (const args of [['--records', '0'], ['--records', '1.5'], ['--repeat', 'many'], ['speed'], ['--fast']]) {
      assert.throws(() => benchOptions(args), { code: 'HR_BENCH_OPTION', hint: /npm run bench/ }, args.join(' '))
    }
  })

  test('all parts but the month and the peers run when none is named', () => {
    assert.deepEqual(benchOptions([]).parts, USUAL_PARTS)
    assert.deepEqual(
      ['month', 'peers'].filter((part) => (USUAL_PARTS as readonly string[]).includes(part)),
      [],
    )
    assert.deepEqual(benchOptions(['memory', '--records', '5000']).parts, ['memory'])
  })

  test('quantiles lie between the values, and a slope is what it is on a straight line', () => {
    assert.equal(median([3, 1, 2]), 2)
    assert.equal(median([1, 2]), 1.5)
    assert.equal(quantile([0, 100], 0.99), 99)
    assert.equal(slopeOf([1, 2, 3].map((x) => ({ x, y: 5 - 2 * x }))), -2)
    assert.equal(slopeOf([]), 0)
  })

  test('memory that grows until half time and stays there is flat; memory that goes on growing is not', () => {
    const samples = (residentMb: (index: number) => number): Sample[] =>
      Array.from({ length: 100 }, (_, index) => ({
        atMs: index * 100,
        cpuSeconds: 0,
        residentMb: residentMb(index),
        peakMb: 0,
      }))
    assert.equal(memoryOf(samples((index) => Math.min(index, 50)))?.flat, true)
    assert.equal(memoryOf(samples((index) => index))?.flat, false)
    assert.equal(memoryOf([]), null)
  })

  test('pages hold valid records, numbered on, and name the next one', () => {
    const page = JSON.parse(createPageWriter()(7000, 8).toString())
    assert.equal(page.data.length, PAGE_RECORDS)
    assert.equal(page.next, '8')
    assert.equal(page.data[999].id, '0000007999')
    for (const record of page.data) assert.equal(eventSchema.safeParse(record).success, true)
  })

  test('realistic pages are the same for the same seed, all valid, and show undeclared fields', () => {
    for (const name of REALISTIC_STREAMS) {
      const text = realisticWriter(name)(7000, 8).toString()
      assert.equal(realisticWriter(name)(7000, 8).toString(), text)
      assert.match(text, /"number":8\d{18},/)
      const body = parseJson(text) as { data: unknown[] }
      const page = createValidator(realisticStream(name))(body.data, { body, headers: {}, values: {} })
      assert.equal(page.records.length, PAGE_RECORDS)
      assert.equal(page.records[999]?.key, '0000007999')
      assert.deepEqual([...page.drift.keys()].sort(), ['channel', 'loyalty', 'shipping.carrier_hint'])
    }
  })
})
