/**
 * Reads an XML document into one object: `<a id="1"><b>x</b><b>y</b></a>` is `{ a: { '@id': '1', b: ['x', 'y'] } }`.
 * All values are texts. Entities that a document declares are never expanded, and nothing is loaded from elsewhere:
 * only the five of XML and character references are read. Errors name a place and never quote a text.
 */
import { SaxesParser, type SaxesTagPlain } from 'saxes'
import type { XmlSpec } from '#shared/declaration/decode.ts'
import { setField } from '#shared/set-field.ts'
import { AttemptFailed } from '../errors.ts'
import { type BodyTools, createCounter, cut, SLICE_CHARS, unreadable } from './records.ts'

type Fields = Record<string, unknown>
/** An open element. */
type Frame = { name: string; path: string; fields: Fields; hasFields: boolean; text: string; isNil: boolean }

const PATH_ESCAPES: Readonly<Record<string, string>> = { '~': '~0', '/': '~1' }
const NIL = /^(?:\w+:)?nil$/

/** Throws AttemptFailed, TooManyElements, or the signal's reason. */
export async function xmlBody(text: string, spec: XmlSpec, { elementsMax, pace, signal }: BodyTools): Promise<unknown> {
  const count = createCounter(elementsMax)
  const tree = createTree(spec)
  const parser = new SaxesParser()
  const local = (name: string) => (spec.dropPrefixes ? name.slice(name.indexOf(':') + 1) : name)
  // By itself, the parser would continue after an error.
  parser.on('error', (error) => {
    throw error
  })
  parser.on('opentag', ({ name, attributes }: SaxesTagPlain) => {
    if (/^html$/i.test(name) && tree.isEmpty()) throw new AttemptFailed('not_json', 'the body is HTML, not XML')
    count.element()
    tree.open(local(name))
    for (const [attribute, value] of Object.entries(attributes)) {
      if (attribute === 'xmlns' || attribute.startsWith('xmlns:')) continue
      count.field()
      tree.attribute(local(attribute), value)
    }
  })
  parser.on('text', tree.text)
  parser.on('cdata', tree.text)
  parser.on('closetag', tree.close)
  try {
    for (let at = 0; at < text.length; at += SLICE_CHARS) {
      if (at > 0) await pace.turn()
      signal.throwIfAborted()
      parser.write(text.slice(at, at + SLICE_CHARS))
    }
  } catch (error) {
    throw isOfParser(error) ? unreadable(`the body is not XML: ${placeOf(parser)}: ${reasonOf(error)}`) : error
  }
  try {
    parser.close()
  } catch (error) {
    throw isOfParser(error) ? cut(`the body is cut XML: it ends at ${placeOf(parser)}`) : error
  }
  return tree.root()
}

const isOfParser = (error: unknown): error is Error =>
  error instanceof Error && error.constructor === Error && !(error instanceof AttemptFailed)

const placeOf = ({ line, column }: SaxesParser): string => `line ${line}, column ${column + 1}`

/** The parser's own message, which starts with the place, and may quote names but no text. */
function reasonOf({ message }: Error): string {
  const reason = message.replace(/^[^:]*:?\d+:\d+: /, '').replace(/\.$/, '')
  return /undefined entity/.test(reason) ? 'an entity that XML does not have; entities are not expanded' : reason
}

function createTree({ lists, attributePrefix, textField, empty }: XmlSpec) {
  const isList = new Set(lists)
  /** Lists by the path of the element that they are in. */
  const listsIn = Map.groupBy(lists, (pointer) => pointer.slice(0, pointer.lastIndexOf('/')))
  const document: Frame = { name: '', path: '', fields: {}, hasFields: false, text: '', isNil: false }
  const frames: Frame[] = [document]
  const top = () => frames.at(-1) ?? document

  function put(frame: Frame, name: string, value: unknown, asList: boolean): void {
    frame.hasFields = true
    const before = Object.hasOwn(frame.fields, name) ? frame.fields[name] : undefined
    if (before === undefined) setField(frame.fields, name, asList ? [value] : value)
    else if (Array.isArray(before)) before.push(value)
    else setField(frame.fields, name, [before, value])
  }

  /** Undefined for an element that is omitted because it is empty. */
  function contentOf(frame: Frame): unknown {
    const text = frame.text.trim()
    for (const pointer of listsIn.get(frame.path) ?? []) {
      const name = pointer
        .slice(frame.path.length + 1)
        .replaceAll('~1', '/')
        .replaceAll('~0', '~')
      if (Object.hasOwn(frame.fields, name)) continue
      frame.hasFields = true
      setField(frame.fields, name, [])
    }
    if (frame.hasFields) {
      if (text !== '') setField(frame.fields, textField, text)
      return frame.fields
    }
    if (text !== '') return text
    if (frame.isNil) return empty === 'omit' ? undefined : null
    return empty === 'omit' ? undefined : empty === 'null' ? null : ''
  }

  return {
    isEmpty: () => frames.length === 1,
    open(name: string) {
      const path = `${top().path}/${name.replace(/[~/]/g, (found) => PATH_ESCAPES[found] ?? found)}`
      frames.push({ name, path, fields: {}, hasFields: false, text: '', isNil: false })
    },
    attribute(name: string, value: string) {
      if (NIL.test(name) && (value === 'true' || value === '1')) top().isNil = true
      else put(top(), `${attributePrefix}${name}`, value, false)
    },
    text(text: string) {
      top().text += text
    },
    close() {
      const frame = frames.pop() ?? document
      const parent = top()
      const value = contentOf(frame)
      const asList = isList.has(frame.path)
      const isRepeated = Object.hasOwn(parent.fields, frame.name)
      // The elements of a list keep their places.
      if (value !== undefined || asList || isRepeated) put(parent, frame.name, value ?? null, asList)
      else parent.hasFields ||= frames.length === 1
    },
    root: (): unknown => document.fields,
  }
}
