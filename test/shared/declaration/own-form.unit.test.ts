import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { mistake } from '#shared/declaration/mistakes/mistakes.ts'
import { ownForm } from '#shared/declaration/own-form.ts'
import type { WatermarkText } from '#shared/declaration/watermark-spec.ts'
import { NS_PER_DAY, NS_PER_MS, NS_PER_SECOND } from '#shared/instant.ts'
import { positionOf, requestText, type WatermarkKind } from '#shared/watermark.ts'

const formOf = (write: WatermarkText, kind: WatermarkKind = 'iso') =>
  ownForm(write, kind, (field, what, hint) => mistake('shop.ts', 'orders', field, what, hint))
const iso = (length: number) => (at: Date) => at.toISOString().slice(0, length)
const day = new Intl.DateTimeFormat('en-US', { timeZone: 'America/New_York', dateStyle: 'short' })
const at = positionOf('iso', '2026-01-05T12:34:56.789999Z') ?? 0n

describe("the precision of an author's form", () => {
  const forms: [string, WatermarkText, bigint][] = [
    ['milliseconds', iso(24), NS_PER_MS],
    ['seconds', iso(19), NS_PER_SECOND],
    ['minutes', iso(16), 60n * NS_PER_SECOND],
    ['hours', iso(13), 3600n * NS_PER_SECOND],
    ['days', iso(10), NS_PER_DAY],
    ['days of another zone', (date: Date) => day.format(date), NS_PER_DAY],
  ]
  for (const [name, write, unitNs] of forms) {
    test(`is found for ${name}`, () => {
      assert.equal(formOf(write).unitNs, unitNs)
    })
  }

  test('is what a position is rounded down to, even if the function rounds up', () => {
    const seconds = formOf((date: Date) => String(Math.round(date.getTime() / 1000)))
    assert.equal(requestText(at, seconds), String(Math.floor(Date.parse('2026-01-05T12:34:56.789Z') / 1000)))
    assert.equal(requestText(at, formOf(iso(16))), '2026-01-05T12:34')
  })
})

describe("an author's form", () => {
  test('gets the integer of a sequence, and the text of a text', () => {
    assert.equal(
      requestText(
        7n,
        formOf((id: bigint) => `id>${id + 0n}`, 'integer'),
      ),
      'id>7',
    )
    assert.equal(
      requestText(
        'k',
        formOf((key: string) => key.toUpperCase(), 'text'),
      ),
      'K',
    )
  })

  const wrong: [string, WatermarkText, RegExp][] = [
    ['throws', () => assert.fail('no'), /the function throws: no/],
    ['returns no text', () => 7 as never, /no text, but a number/],
    ['returns an empty text', () => '', /an empty text/],
    ['writes the year alone', iso(4), /the same text for different days/],
  ]
  for (const [name, write, words] of wrong) {
    test(`that ${name} is refused when its file is loaded`, () => {
      assert.throws(
        () => formOf(write),
        (error: Error) => /field watermark\.as: /.test(error.message) && words.test(error.message),
      )
    })
  }
})
