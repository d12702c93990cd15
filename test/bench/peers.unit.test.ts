import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { benchOptions, helpText } from '../../bench/options.ts'
import { reasonOf } from '../../bench/peers/install.ts'
import type { SideRun } from '../../bench/peers/measure.ts'
import { summaryOf } from '../../bench/peers/summary.ts'
import { differences, expectedTotals, totalsQuery } from '../../bench/peers/totals.ts'

const runOf = (seconds: number, own: number | null = seconds, beside = 0): SideRun => ({
  ...{ seconds, rowSeconds: seconds / 2, own, clickhouse: 1, beside, peakMb: 100 },
})

describe('the comparison on the whole way, without its servers', () => {
  test('what downloads is not run unless it is named', () => {
    assert.equal(benchOptions([]).parts.includes('peers'), false)
    assert.deepEqual(benchOptions(['peers', '--peers-records', '5000']).parts, ['peers'])
    assert.equal(benchOptions(['peers', '--peers-records', '5000'])['peers-records'], 5000)
    assert.equal(benchOptions(['peers'])['peers-records'], 200_000)
    assert.throws(() => benchOptions(['peers', '--peers-records', 'all']), { code: 'HR_BENCH_OPTION' })
    assert.match(helpText(), /--peers-records N .*\(200000\)/)
  })

  test('a missing row, a row that is there twice and an inexact integer are each named with their list', () => {
    const expected = expectedTotals(4_000)
    const { orders, enveloped, mapped } = expected
    const found = {
      orders: { ...orders, rows: orders.rows - 1 },
      enveloped: { ...enveloped, keys: enveloped.keys - 1 },
      mapped: { ...mapped, numberSum: String(Number(mapped.numberSum)) },
    }
    assert.deepEqual(
      differences(expected, found).map((text) => text.split(' ').slice(0, 2).join(' ')),
      ['orders: rows', 'enveloped: keys', 'mapped: numberSum'],
    )
    assert.deepEqual(differences(expected, structuredClone(expected)), [])
  })

  test('what must be there is counted in full pages, with sums beyond a double', () => {
    const { orders, enveloped, mapped } = expectedTotals(200_000)
    assert.deepEqual([orders.rows, enveloped.rows, mapped.rows], [100_000, 50_000, 50_000])
    assert.equal(orders.keySum, '4999950000')
    assert.equal(BigInt(orders.numberSum), 2n * BigInt(enveloped.numberSum))
    assert.ok(BigInt(orders.numberSum) > BigInt(Number.MAX_SAFE_INTEGER))
    assert.equal(expectedTotals(200_001).orders.rows, 101_000)
    assert.match(totalsQuery('db.t FINAL'), /FROM db\.t FINAL$/)
  })

  test('a side without numbers shows its reason, and is in no ratio', () => {
    const missing = { name: 'other', reason: 'go is not installed' }
    const sides = summaryOf([{ name: 'first', runs: [runOf(2)] }, missing, { name: 'empty', runs: [] }])
    assert.deepEqual(sides.other, { notCompared: 'go is not installed' })
    assert.ok('notCompared' in (sides.empty ?? {}))
    const alone = summaryOf([missing, { name: 'second', runs: [runOf(2)] }]).second
    assert.ok(alone !== undefined && 'ratio' in alone && alone.ratio === null)
  })

  test('a side has the medians of its runs, as times those of the first one', () => {
    const { second } = summaryOf([
      { name: 'first', runs: [runOf(9, 3, 2), runOf(2, 3, 2), runOf(4, 3, 2)] },
      { name: 'second', runs: [runOf(20, 11), runOf(40, 11), runOf(10, 11)] },
    ])
    assert.ok(second !== undefined && 'ratio' in second)
    assert.equal(second.seconds, 20)
    assert.deepEqual(second.runs, [20, 40, 10])
    assert.deepEqual(second.ratio, { time: 5, ownCpu: 3.67, allCpu: 2 })
  })

  test('CPU that is not known leaves the ratio of times', () => {
    const { second } = summaryOf([
      { name: 'first', runs: [runOf(2, null)] },
      { name: 'second', runs: [runOf(4)] },
    ])
    assert.ok(second !== undefined && 'ratio' in second)
    assert.deepEqual(second.ratio, { time: 2, ownCpu: null, allCpu: null })
  })

  test('the reason is the last line that a failed installation wrote', () => {
    const failed = Object.assign(new Error('Command failed: pip'), { stderr: 'looking\nERROR: no such version\n' })
    assert.equal(reasonOf(failed), 'ERROR: no such version')
    assert.equal(reasonOf(new Error('spawn go ENOENT')), 'spawn go ENOENT')
  })
})
