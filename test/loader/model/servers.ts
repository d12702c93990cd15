/**
 * The servers as one loader sees them in the model: inserts that are confirmed, refused, or lost before or after they
 * went in; a dead-letter topic and a group that do the same with their answers. An insert whose loader has given it up
 * may still go in, later than anybody thinks.
 */
import { type SchedulerLike, Subscription } from 'rxjs'
import { Unavailable } from '#shared/errors.ts'
import type { Sender } from '#shared/kafka/kafka.ts'
import { parseDeadLetterHeaders } from '#shared/messages/frame.ts'
import { LEDGER_TABLE } from '#shared/names.ts'
import type { Target } from '../../../services/loader/batch/batch.ts'
import type { Catalog } from '../../../services/loader/consume/schema-catalog.ts'
import type { Failure, FailureKind } from '../../../services/loader/failures/classify-error.ts'
import type { Writer } from '../../../services/loader/insert/writer.ts'
import type { Tables } from '../../../services/loader/table/tables.ts'
import { asked, clockOf, type Life, SCHEMA_ID, type World } from './world.ts'

const failure = (kind: FailureKind, row: number | null = null): Failure => ({
  kind,
  code: null,
  name: kind,
  message: kind,
  row,
})
const unavailable = () => new Unavailable('HR_KAFKA_UNREACHABLE', 'no answer')

/** `did`: it went through. `answered`: the loader is told so. */
function fate({ random, hostile }: World): { did: boolean; answered: boolean } {
  const drawn = hostile ? random() : 0
  return { did: drawn < 0.85, answered: drawn < 0.7 }
}

const PASSING: readonly FailureKind[] = ['overload', 'memory', 'table', 'ambiguous']

export function writerOf(life: Life): Writer {
  const { world } = life
  const { random, table: rowsThere } = world

  function answerTo(table: string, lines: string[]): Failure | null {
    const bad = lines.findIndex((line) => line.includes('"refused"'))
    const { did, answered } = fate(world)
    if (!did && random() < 0.7) return failure(PASSING[Math.floor(random() * PASSING.length)] ?? 'ambiguous')
    if (bad >= 0) return failure('data', random() < 0.8 ? bad + 1 : null)
    if (!did) return failure('ambiguous')
    for (const line of table === LEDGER_TABLE ? [] : lines) {
      const { _partition, _offset } = JSON.parse(line)
      rowsThere.add(`${topicOf(table)}/${_partition}/${_offset}`)
    }
    return answered ? null : failure('ambiguous')
  }

  return {
    insert({ table, body, rows }, signal) {
      const lines = Buffer.concat(body).toString().split('\n').slice(0, -1)
      if (lines.length !== rows) throw new RangeError(`${rows} rows announced, ${lines.length} sent`)
      const given = asked(life, `insert into ${table}`, () => answerTo(table, lines))
      const cut = new Promise<Failure>((resolve) =>
        signal.addEventListener('abort', () => resolve(failure('ambiguous'))),
      )
      return Promise.race([given, cut])
    },
    run: () => Promise.reject(new RangeError('no walk of the model is complete')),
    ask: () => Promise.reject(new RangeError('no walk of the model is complete')),
  }
}

const topicOf = (table: string): string => table.replaceAll('/', '.')
const tableOf = (topic: string): string => topic.replaceAll('.', '/')

export const tablesOf = ({ world }: Life): Tables => ({
  async ensure() {
    const bad = world.hostile && world.random() < 0.05
    return { failure: bad ? failure('table') : null, changed: world.hostile && world.random() < 0.05 }
  },
  ensureLedger: async () => null,
  explain: async (failure) => failure,
  ensureDeadLetterLedger: async () => null,
  ping: async () => null,
})

/** One schema for each topic; what it finds wrong is what the record says of itself. */
export function catalogOf(life: Life): Catalog {
  const known = new Map<string, Target>()
  const open = (topic: string) =>
    asked(life, `open ${topic}`, () => {
      const spec = { table: tableOf(topic), columns: [], primaryKey: ['id'], watermark: null }
      const check = (record: unknown) => (JSON.stringify(record).includes('"schema"') ? ['/refused: is no'] : [])
      known.set(topic, { id: SCHEMA_ID, schema: { id: SCHEMA_ID, json: {}, check }, spec })
    })
  const lookup = (topic: string) => (id: number) => (id === SCHEMA_ID ? known.get(topic) : undefined)
  const annotation = (topic: string) => ({
    ...{ v: 1 as const, source: 'model', stream: 'model', table: tableOf(topic), primaryKey: ['id'], partitions: 1 },
    watermark: { field: 'at', kind: 'text' as const },
  })
  return { lookup, tableOf, annotation, refresh: async () => undefined, open, learn: open }
}

export const senderOf = (life: Life): Sender => ({
  send: ({ topic, partition, messages }) =>
    asked(life, `letters to ${topic}`, () => {
      const { did, answered } = fate(life.world)
      for (const { headers } of did ? messages : [])
        life.world.letters.add(parseDeadLetterHeaders(headers ?? {}).origin ?? '')
      if (!answered) throw unavailable()
      return { topic, partition, firstOffset: 0, nextOffset: messages.length }
    }),
  close: async () => undefined,
})

/** Applies a change, or loses it, or loses only the answer. */
export function applied(world: World, change: () => void): void {
  const { did, answered } = fate(world)
  if (did) change()
  if (!answered) throw unavailable()
}

/** Ages of batches pass with the model's time. */
export function schedulerOf(life: Life): SchedulerLike {
  const clock = clockOf(life)
  return {
    now: clock.elapsedMs,
    schedule(work, delayMs = 0, state) {
      const ended = new AbortController()
      const subscription = new Subscription(() => ended.abort())
      clock.sleep(delayMs, ended.signal).then(
        () => work.call(undefined as never, state as never),
        () => undefined,
      )
      return subscription
    },
  }
}
