/**
 * Opens a body that is a compressed file itself: gzip, or one entry of a zip archive. Guarantees: no more than
 * `bytesMax` bytes come out, so a small file cannot exhaust the memory. Throws AttemptFailed: `cut` for a file that may
 * arrive whole next time, `unreadable` for one that is something else.
 */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { type Entry, fromBufferPromise } from 'yauzl'
import type { FileStep } from '#shared/declaration/decode.ts'
import { messageOf } from '#shared/errors.ts'
import { excerptOf } from '../describe.ts'
import { AttemptFailed } from '../errors.ts'
import { cut, unreadable } from './records.ts'

export type FileTools = {
  bytesMax: number
  /** A content coding that was undone was gzip: the file may be plain already. */
  wasGzip: boolean
}

/** Names in an error. */
const NAMES_SHOWN_MAX = 5
/** Of an archive that is searched for its entry. */
const ENTRIES_MAX = 10_000

export async function opened(bytes: Buffer, step: FileStep, tools: FileTools): Promise<Buffer> {
  if (bytes.length === 0) throw cut('the body is empty: it should be a compressed file')
  return step.kind === 'gunzip' ? gunzipped(bytes, tools) : entryOf(bytes, step.entry, tools)
}

async function gunzipped(bytes: Buffer, { bytesMax, wasGzip }: FileTools): Promise<Buffer> {
  if (!isGzip(bytes)) {
    if (wasGzip) return bytes
    throw notFile(bytes, 'gzip')
  }
  try {
    return await collected(Readable.from([bytes]).pipe(createGunzip()), bytesMax)
  } catch (error) {
    throw error instanceof AttemptFailed ? error : cut(`the file is cut or damaged gzip: ${messageOf(error)}`)
  }
}

export const isGzip = (bytes: Buffer): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b
const isZip = (bytes: Buffer): boolean => bytes[0] === 0x50 && bytes[1] === 0x4b

async function entryOf(bytes: Buffer, wanted: string | undefined, { bytesMax }: FileTools): Promise<Buffer> {
  if (!isZip(bytes)) throw notFile(bytes, 'a zip archive')
  try {
    const archive = await fromBufferPromise(bytes, { lazyEntries: true })
    const files: Entry[] = []
    let entries = 0
    for await (const entry of archive.eachEntry()) {
      entries += 1
      if (entries > ENTRIES_MAX) throw unreadable(`the archive has more than ${ENTRIES_MAX} entries`)
      if (isFile(entry.fileName)) files.push(entry)
    }
    const entry = chosen(files, wanted)
    if (entry.isEncrypted()) throw unreadable(`the entry ${entry.fileName} of the archive is encrypted`)
    if (!entry.canDecodeFileData())
      throw unreadable(
        `the entry ${entry.fileName} has compression method ${entry.compressionMethod}, which is not read`,
      )
    return await collected(await archive.openReadStreamPromise(entry), bytesMax)
  } catch (error) {
    throw error instanceof AttemptFailed ? error : cut(`the archive is cut or damaged: ${messageOf(error)}`)
  }
}

/** Neither a folder, nor what macOS adds. */
const isFile = (name: string): boolean => !name.endsWith('/') && !name.startsWith('__MACOSX/')

function chosen(files: readonly Entry[], wanted: string | undefined): Entry {
  const pattern = wanted === undefined ? /^/ : patternOf(wanted)
  const found = files.filter(({ fileName }) => pattern.test(fileName))
  const [entry, second] = found
  if (entry !== undefined && second === undefined) return entry
  const names = (found.length > 0 ? found : files).slice(0, NAMES_SHOWN_MAX).map(({ fileName }) => fileName)
  const more = Math.max(found.length, files.length) > names.length ? ', …' : ''
  const shown = excerptOf(`${names.join(', ')}${more}`)
  if (found.length === 0)
    throw unreadable(
      wanted === undefined ? 'the archive has no file' : `the archive has no entry ${wanted}, but ${shown}`,
    )
  throw unreadable(`the archive has ${found.length} files for decode: name one by zip({ entry }): ${shown}`)
}

const patternOf = (wanted: string): RegExp =>
  new RegExp(
    `^${wanted
      .split('*')
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}$`,
  )

function notFile(bytes: Buffer, what: string): AttemptFailed {
  const text = bytes.subarray(0, 1024).toString('latin1')
  return /^\s*</.test(text)
    ? new AttemptFailed('not_json', `the body is HTML or XML, not ${what}: ${excerptOf(text)}`)
    : unreadable(`the body is not ${what}`)
}

async function collected(source: Readable, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  await pipeline(source, async (parts: AsyncIterable<Buffer>) => {
    let length = 0
    for await (const part of parts) {
      chunks.push(part)
      length += part.length
      if (length > bytesMax)
        throw new AttemptFailed('too_large', `the opened file is larger than ${bytesMax} bytes (bodyBytesMax)`)
    }
  })
  return Buffer.concat(chunks)
}
