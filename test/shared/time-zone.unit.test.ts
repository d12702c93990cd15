import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { changesClocks, utcOfLocal, type Zone, zoneOf } from '#shared/time-zone.ts'

const HOUR_MS = 3_600_000
const zone = (name: string): Zone => zoneOf(name) ?? assert.fail(name)
const utcOf = (name: string, local: string): string =>
  new Date(utcOfLocal(zone(name), Date.parse(`${local}Z`))).toISOString().slice(0, 19)

describe('a zone', () => {
  test('is UTC, a fixed offset or a name, and nothing else', () => {
    for (const name of ['', 'Europe/Nowhere', '+2', '+25:00', 'CEST tomorrow']) assert.equal(zoneOf(name), null, name)
    const offsets = ['UTC', '+05:30', '-0800', 'Asia/Kolkata'].map((name) => zone(name).offsetMs(0) / HOUR_MS)
    assert.deepEqual(offsets, [0, 5.5, -8, 5.5])
  })

  test('changes its clocks or not', () => {
    assert.deepEqual(['UTC', '+01:00', 'Asia/Kolkata'].map(zone).map(changesClocks), [false, false, false])
    assert.deepEqual(['Europe/Berlin', 'Australia/Lord_Howe'].map(zone).map(changesClocks), [true, true])
  })
})

describe('a local time', () => {
  test('has the offset of its day', () => {
    assert.equal(utcOf('Europe/Berlin', '2026-01-31T12:00:00'), '2026-01-31T11:00:00')
    assert.equal(utcOf('Europe/Berlin', '2026-07-31T12:00:00'), '2026-07-31T10:00:00')
    assert.equal(utcOf('America/New_York', '2026-12-31T23:30:00'), '2027-01-01T04:30:00')
    assert.equal(utcOf('-08:00', '2026-12-31T23:30:00'), '2027-01-01T07:30:00')
  })

  test('that comes twice means its first coming, and one that is skipped moves forward', () => {
    assert.equal(utcOf('Europe/Berlin', '2026-10-25T01:59:59'), '2026-10-24T23:59:59')
    assert.equal(utcOf('Europe/Berlin', '2026-10-25T02:30:00'), '2026-10-25T00:30:00')
    assert.equal(utcOf('Europe/Berlin', '2026-10-25T03:00:00'), '2026-10-25T02:00:00')
    assert.equal(utcOf('Europe/Berlin', '2026-03-29T02:30:00'), '2026-03-29T01:30:00')
    assert.equal(utcOf('America/New_York', '2026-11-01T01:30:00'), '2026-11-01T05:30:00')
    assert.equal(utcOf('America/New_York', '2026-03-08T03:00:00'), '2026-03-08T07:00:00')
  })
})
