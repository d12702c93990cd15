/**
 * Which unit tests run which part of a file, by V8's own coverage (Node.js manual, NODE_V8_COVERAGE): a test that never
 * comes to a place notices no change there. Stripping types keeps every offset. What is known of a test is kept as long
 * as neither it nor the product changes.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Sandbox } from './sandbox.ts'

/** [start, end, whether it ran]; an inner range decides over those around it. */
type Range = readonly [start: number, end: number, ran: boolean]
type ByFile = Record<string, Range[]>
/** What one test runs, and how long it takes. */
type Measured = { ms: number; ran: ByFile }
export type Coverage = {
  /** Whether the test runs what is at the offset of the file. */
  runs(test: string, file: string, offset: number): boolean
  /** Milliseconds that the test takes without any change, with the start of its process. */
  msOf(test: string): number
}

const TEST_MS_MAX = 120_000
const DIR = '.headrace/coverage'

export type CoverageOptions = {
  sandboxes: readonly Sandbox[]
  /** Those that are asked about. */
  files: readonly string[]
  tests: readonly string[]
  /** Whose text, with a test's own, decides what it runs. */
  texts: readonly string[]
  kept?: string | undefined
}

/** Throws if a test fails without any change: nothing could be said then. */
export async function measureCoverage({ sandboxes, files, tests, texts, kept }: CoverageOptions): Promise<Coverage> {
  const known = new Map<string, Measured>()
  const queue = [...tests]
  const [first] = sandboxes
  if (first === undefined) throw new RangeError('there is no sandbox')
  const common = hashOf([...files, ...texts.map((file) => readFileSync(join(first.root, file), 'utf8'))])
  await Promise.all(
    sandboxes.map(async (sandbox) => {
      for (let test = queue.shift(); test !== undefined; test = queue.shift()) {
        const path =
          kept === undefined
            ? null
            : join(kept, `${hashOf([common, test, readFileSync(join(sandbox.root, test), 'utf8')])}.json`)
        const before = path !== null && existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Measured) : null
        const measured = before ?? (await measure(sandbox, test, new Set(files)))
        if (path !== null && before === null) {
          mkdirSync(dirname(path), { recursive: true })
          writeFileSync(path, JSON.stringify(measured))
        }
        known.set(test, measured)
      }
    }),
  )
  return {
    runs(test, file, offset) {
      let inner: Range | null = null
      for (const range of known.get(test)?.ran[file] ?? []) {
        const [start, end] = range
        if (start <= offset && offset < end && (inner === null || end - start <= inner[1] - inner[0])) inner = range
      }
      return inner?.[2] ?? false
    },
    msOf: (test) => known.get(test)?.ms ?? 0,
  }
}

const hashOf = (texts: readonly string[]): string => {
  const hash = createHash('sha256')
  for (const text of texts) hash.update(text).update('\0')
  return hash.digest('hex').slice(0, 24)
}

type V8Report = {
  result: { url: string; functions: { ranges: { startOffset: number; endOffset: number; count: number }[] }[] }[]
}

/** Of all processes that the test starts: what ran in one of them ran. */
async function measure(sandbox: Sandbox, test: string, files: ReadonlySet<string>): Promise<Measured> {
  const dir = join(sandbox.root, DIR)
  rmSync(dir, { recursive: true, force: true })
  const beganMs = performance.now()
  const verdict = await sandbox.run([test], TEST_MS_MAX, { NODE_V8_COVERAGE: dir })
  if (verdict !== 'passed') throw new Error(`${test} has ${verdict} without any change: nothing can be said`)
  const ms = Math.round(performance.now() - beganMs)
  const root = pathToFileURL(`${sandbox.root}/`).href
  const ranges: Record<string, Map<string, Range>> = {}
  for (const name of existsSync(dir) ? readdirSync(dir) : []) {
    const { result } = JSON.parse(readFileSync(join(dir, name), 'utf8')) as V8Report
    for (const { url, functions } of result) {
      const file = url.startsWith(root) ? url.slice(root.length) : ''
      if (!files.has(file)) continue
      ranges[file] ??= new Map()
      for (const { startOffset, endOffset, count } of functions.flatMap((each) => each.ranges)) {
        const place = `${startOffset} ${endOffset}`
        ranges[file].set(place, [startOffset, endOffset, count > 0 || ranges[file].get(place)?.[2] === true])
      }
    }
  }
  const ran = Object.fromEntries(Object.entries(ranges).map(([file, byPlace]) => [file, [...byPlace.values()]]))
  return { ms, ran }
}
