/**
 * Parses a large JSON text in slices, and yields to the event loop in between. JSON.parse of 60 MB blocks everything
 * else for up to 6 s, and 60 MB of `{},{},…` become 1.4 GB. The text is scanned ahead of the parser, which only gets
 * whole members of an array or an object. So a page of too many elements is refused before they are built. The values
 * are those of parseJson. A text of usual size is parsed at once.
 */
import type { Pace } from '#shared/clock.ts'
import { setField } from '#shared/set-field.ts'
import { endOfText } from './end-of-text.ts'
import { parseJson } from './lossless-json.ts'

export type ElementBounds = {
  /** Objects and arrays; eight other values count as one, since they take an eighth of the memory. */
  elementsMax: number
  /** Of members that are parsed together. */
  sliceChars?: number
}

/** The text has more elements than the bound. */
export class TooManyElements extends Error {}

/** Most pages are not larger, and the scan would cost them another tenth. */
const AT_ONCE_CHARS = 1024 * 1024
/** Some milliseconds. */
const SLICE_CHARS = 256 * 1024
/** Scanned without yielding if no member ends: as many milliseconds. */
const SCAN_CHARS = 4 * 1024 * 1024
/** Units are eighths of an element. The comma after a member is one of them. */
const UNITS_OF_ELEMENT = 8
const UNITS_OF_BRACKET = UNITS_OF_ELEMENT - 1

/** Throws SyntaxError, TooManyElements, or the signal's reason. */
export async function parseInSlices(
  text: string,
  bounds: ElementBounds,
  pace: Pace,
  signal: AbortSignal,
): Promise<unknown> {
  const { elementsMax, sliceChars = SLICE_CHARS } = bounds
  const atOnceChars = bounds.sliceChars ?? AT_ONCE_CHARS
  // Each element takes two characters; each other value takes one and a comma.
  if (text.length <= atOnceChars && text.length <= elementsMax * 2) return parseJson(text)
  const scan = createScan(text, elementsMax * UNITS_OF_ELEMENT, sliceChars)
  while (!scan.advance()) {
    await pace.turn()
    signal.throwIfAborted()
  }
  return scan.result()
}

/** An open array or object. */
type Frame = {
  isObject: boolean
  /** Of its bracket. */
  start: number
  /** Of its members that are not parsed yet, and of the one under way: where they begin. */
  from: number
  memberFrom: number
  /** What was parsed of it; null before anything was. */
  value: unknown[] | Record<string, unknown> | null
  /** Its last member was added whole: a comma or the end must follow. */
  isPut: boolean
}

const QUOTE = 0x22
const COMMA = 0x2c
const OPEN = 0x7b
const CLOSE = 0x7d
const OPEN_LIST = 0x5b
const CLOSE_LIST = 0x5d
const BLANK = /^[ \t\r\n]*$/

type Scan = {
  /** Continues for a slice; true at the end of the text. */
  advance(): boolean
  result(): unknown
}

function createScan(text: string, unitsMax: number, sliceChars: number): Scan {
  /** Frames are reused, so that opening and closing allocates no memory; those below `depth` are open. */
  const frames: Frame[] = []
  let depth = 0
  /** Frames below it have a value. */
  let built = 0
  let at = 0
  let units = 0
  /** Where the outermost array or object began and ended; -1 before. */
  let rootFrom = -1
  let rootTo = -1

  function count(more: number): void {
    units += more
    if (units > unitsMax) throw new TooManyElements(`more than ${unitsMax / UNITS_OF_ELEMENT} elements`)
  }

  function advance(): boolean {
    const end = text.length
    const pauseAt = at + SCAN_CHARS
    for (; at < end; at++) {
      const code = text.charCodeAt(at)
      if (code === QUOTE) at = endOfText(text, at)
      else if (code === COMMA) {
        count(1)
        if (depth > 0 && memberEnds(frames[depth - 1]!)) {
          at += 1
          return false
        }
      } else if (code === OPEN || code === OPEN_LIST) open(code === OPEN)
      else if (code === CLOSE || code === CLOSE_LIST) close(code === CLOSE)
      if (at >= pauseAt) {
        at += 1
        return false
      }
    }
    return true
  }

  function open(isObject: boolean): void {
    count(UNITS_OF_BRACKET)
    if (depth > 0 && frames[depth - 1]!.isPut) throw new SyntaxError('a value behind a value')
    if (depth === 0) {
      if (rootFrom !== -1) throw new SyntaxError('more than one value')
      rootFrom = at
    }
    const frame = frames[depth]
    depth += 1
    if (frame === undefined) {
      frames.push({ isObject, start: at, from: at + 1, memberFrom: at + 1, value: null, isPut: false })
      return
    }
    frame.isObject = isObject
    frame.start = at
    frame.from = at + 1
    frame.memberFrom = at + 1
    frame.value = null
    frame.isPut = false
  }

  /** At a comma. True if what precedes it was due to be parsed. */
  function memberEnds(frame: Frame): boolean {
    if (frame.isPut) {
      refuseUnlessBlank(frame.from, at)
      frame.isPut = false
      frame.from = at + 1
    } else if (at - frame.from > sliceChars) {
      build()
      append(frame, frame.from, at)
      frame.from = at + 1
      frame.memberFrom = at + 1
      return true
    }
    frame.memberFrom = at + 1
    return false
  }

  /**
   * Gives every open frame a value, with the members before the current one. They are small, or the frame would have a
   * value.
   */
  function build(): void {
    // The last frame that has a value may have got small members since.
    for (let index = Math.max(0, built - 1); index < depth; index++) {
      const frame = frames[index]!
      if (index >= built) frame.value = frame.isObject ? {} : []
      if (index === depth - 1) break
      if (frame.memberFrom > frame.from) append(frame, frame.from, frame.memberFrom - 1)
      frame.from = frame.memberFrom
    }
    built = depth
  }

  function close(isObject: boolean): void {
    const frame = frames[depth - 1]
    if (depth === 0 || frame === undefined || frame.isObject !== isObject) throw new SyntaxError('a bracket too many')
    depth -= 1
    if (depth === 0) rootTo = at
    if (built <= depth) return
    built = depth
    if (frame.isPut) refuseUnlessBlank(frame.from, at)
    else append(frame, frame.from, at)
    const parent = frames[depth - 1]
    if (depth === 0 || parent === undefined) return
    put(parent, frame)
    parent.from = at + 1
    parent.isPut = true
  }

  /** Puts the value of a closed frame into its parent, whose current member it is. */
  function put(parent: Frame, frame: Frame): void {
    const head = text.slice(parent.memberFrom, frame.start)
    if (Array.isArray(parent.value)) {
      if (!BLANK.test(head)) throw new SyntaxError('something before a value')
      parent.value.push(frame.value)
      return
    }
    const name = /^([\s\S]*):[ \t\r\n]*$/.exec(head)?.[1]
    const key: unknown = name === undefined ? undefined : JSON.parse(name)
    if (typeof key !== 'string') throw new SyntaxError('no name of a field')
    setField(parent.value as Record<string, unknown>, key, frame.value)
  }

  function append({ value, isObject }: Frame, from: number, to: number): void {
    const members = text.slice(from, to)
    if (isObject) {
      const part = parseJson(`{${members}}`) as Record<string, unknown>
      const names = Object.keys(part)
      if (names.length === 0) throw new SyntaxError('a comma too many')
      for (const name of names) setField(value as Record<string, unknown>, name, part[name])
      return
    }
    const part = parseJson(`[${members}]`) as unknown[]
    if (part.length === 0) throw new SyntaxError('a comma too many')
    for (const member of part) (value as unknown[]).push(member)
  }

  function refuseUnlessBlank(from: number, to: number): void {
    if (!BLANK.test(text.slice(from, to))) throw new SyntaxError('something behind a value')
  }

  return {
    advance,
    result() {
      // Nothing was large enough to be built, or it is neither an array nor an object.
      if (rootFrom === -1 || frames[0]?.value == null) return parseJson(text)
      if (rootTo === -1) throw new SyntaxError('the text ends inside a value')
      refuseUnlessBlank(0, rootFrom)
      refuseUnlessBlank(rootTo + 1, text.length)
      return frames[0].value
    },
  }
}
