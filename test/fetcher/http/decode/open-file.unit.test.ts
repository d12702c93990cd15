import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { csv, gunzip, json, zip } from '#shared/index.ts'
import { zipOf } from '../../../support/zip.ts'
import { decodedBy, failsWith } from './decoding.ts'

const CSV = 'a,b\n1,2\n'
const ROWS = [{ a: '1', b: '2' }]

describe('a file that cannot be opened', () => {
  const packed = gzipSync(`a,b\n${'1,k3y\n'.repeat(1000)}`)
  const archive = zipOf({ 'a.csv': `a,b\n${'1,k3y\n'.repeat(1000)}` })
  for (const [name, step, bytes, reason, says] of [
    ['a gzip file that is cut', gunzip(), packed.subarray(0, -12), 'cut', /^the file is cut or damaged gzip/],
    ['a gzip file that is plain', gunzip(), CSV, 'unreadable', /^the body is not gzip$/],
    ['an archive that is cut', zip(), archive.subarray(0, -30), 'cut', /^the archive is cut or damaged/],
    ['an archive that is plain', zip(), CSV, 'unreadable', /^the body is not a zip archive$/],
    ['an archive that is HTML', zip(), '<html>busy', 'not_json', /^the body is HTML or XML, not a zip archive: <html>/],
    ['no archive at all', zip(), '', 'cut', /^the body is empty/],
    ['an archive without a file', zip(), zipOf({ 'a/': '' }), 'unreadable', /^the archive has no file$/],
    ['an archive of two', zip(), zipOf({ a: CSV, b: CSV }), 'unreadable', /has 2 files for decode: name one .*: a, b$/],
    [
      'one of two names',
      zip({ entry: '*.csv' }),
      zipOf({ 'a.txt': '' }),
      'unreadable',
      /no entry \*\.csv, but a\.txt$/,
    ],
  ] as const) {
    test(`${name} says so`, () => failsWith([step, csv()], bytes, reason, says))
  }

  const bomb = `a,b\n${'0,0\n'.repeat(100_000)}`
  for (const [name, step, bytes] of [
    ['gzip', gunzip(), gzipSync(bomb)],
    ['zip', zip(), zipOf({ 'a.csv': bomb })],
    ['gzip in zip', zip(), zipOf({ 'a.gz': gzipSync(Buffer.alloc(1_000_000)) })],
  ] as const) {
    test(`a small ${name} file of many bytes ends at bodyBytesMax`, async () => {
      assert.ok(bytes.length < 10_000)
      const steps = name === 'gzip in zip' ? [step, gunzip(), csv()] : [step, csv()]
      await failsWith(steps, bytes, 'too_large', /larger than 20000 bytes \(bodyBytesMax\)$/, { bytesMax: 20_000 })
    })
  }
})

describe('a compressed file', () => {
  for (const [name, decode, bytes] of [
    ['gzip', [gunzip(), csv()], gzipSync(CSV)],
    ['gzip in two members', [gunzip(), csv()], Buffer.concat([gzipSync('a,b\n'), gzipSync('1,2\n')])],
    ['zip', [zip(), csv()], zipOf({ 'data/': '', 'data/a.csv': CSV, '__MACOSX/data/a.csv': 'x' })],
    ['zip, by name', [zip({ entry: 'b.csv' }), csv()], zipOf({ 'a.csv': '', 'b.csv': CSV, xb_csv: '' })],
    ['zip, by pattern', [zip({ entry: 'orders-*.csv' }), csv()], zipOf({ 'readme.txt': '', 'orders-7.csv': CSV })],
    ['gzip in zip', [zip(), gunzip(), csv()], zipOf({ 'a.csv.gz': gzipSync(CSV) })],
    ['JSON in gzip', [gunzip(), json()], gzipSync(JSON.stringify(ROWS))],
  ] as const) {
    test(`${name}, is opened`, async () => {
      assert.deepEqual(await decodedBy([...decode], bytes), ROWS)
    })
  }

  test('that the content coding has opened already is read as it is', async () => {
    assert.deepEqual(await decodedBy([gunzip(), csv()], CSV, { headers: { 'content-encoding': 'gzip' } }), ROWS)
  })
})
