/** What the types of a declaration infer: the compiler checks most of this file before it runs. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { compileSource } from '#shared/declaration/compile.ts'
import {
  defineSource,
  discover,
  type EnvelopeContext,
  generator,
  type JudgedResponse,
  none,
  parent,
  type RecordContext,
  z,
} from '#shared/index.ts'
import { sameType } from '../../support/same-type.ts'

type RawOrder = { id: number; customer?: { email: string } | null }

const CONTEXT: RecordContext = { values: {}, page: { shop: 'eu' }, headers: {} }
const source = { name: 'shop', baseUrl: 'https://api.shop.example' }
const schema = z.object({ id: z.string(), email: z.string().nullable(), updated_at: z.iso.datetime() })
const streams = (declared: { input: unknown }) => compileSource(declared.input, 'shop.ts').streams

describe('the raw type of a stream', () => {
  test('is the type of the records that filter, deleted and map get', () => {
    const [orders, customers] = streams(
      defineSource({
        ...source,
        streams: {
          orders: {
            path: '/orders',
            paginate: none(),
            raw: z.object({ id: z.number(), customer: z.object({ email: z.string() }).nullish() }),
            filter: (raw) => sameType<number>()(raw.id),
            deleted: (raw) => raw.customer === null && sameType<null>()(raw.customer),
            map: (raw, { values }) => ({
              ...values,
              ...raw,
              id: String(raw.id),
              email: raw.customer?.email ?? null,
            }),
            schema,
            primaryKey: ['id'],
          },
          // The type can come after the functions, and another stream has another one.
          customers: {
            path: '/customers',
            paginate: none(),
            map: (raw) => sameType<readonly string[]>()(raw) && { id: raw[0], email: raw[1] },
            raw: z.array(z.string()).readonly(),
            schema,
            primaryKey: ['id'],
          },
        },
      }),
    )
    assert.deepEqual(orders?.map?.({ id: 7 }, CONTEXT), { id: '7', email: null })
    assert.deepEqual(customers?.map?.(['7', 'a@b.example'], CONTEXT), { id: '7', email: 'a@b.example' })
  })

  test('is the form before conversions, since records stay as they are', () => {
    const [orders] = streams(
      defineSource({
        ...source,
        streams: {
          orders: {
            path: '/orders',
            paginate: none(),
            raw: z.object({ id: z.number().transform(String), note: z.string().default('none') }),
            map: (raw) => sameType<{ id: number; note?: string | undefined }>()(raw) && { ...raw, id: String(raw.id) },
            schema,
            primaryKey: ['id'],
          },
        },
      }),
    )
    assert.deepEqual(orders?.map?.({ id: 7 }, CONTEXT), { id: '7' })
  })

  test('can be a type alone, and a function may name it without any', () => {
    const [orders, notes] = streams(
      defineSource({
        ...source,
        streams: {
          orders: {
            path: '/orders',
            paginate: none(),
            raw: z.custom<RawOrder>(),
            map: (raw) => sameType<RawOrder>()(raw) && { id: String(raw.id) },
            schema,
            primaryKey: ['id'],
          },
          notes: {
            path: '/notes',
            paginate: none(),
            filter: (raw: RawOrder) => raw.id > 0,
            map: ({ id }: RawOrder, { page }: RecordContext<{ shop: string }>) => ({ id: `${page.shop}${id}` }),
            schema,
            primaryKey: ['id'],
          },
        },
      }),
    )
    assert.deepEqual(
      [orders, notes].map((stream) => stream?.map?.({ id: 7 }, CONTEXT)),
      [{ id: '7' }, { id: 'eu7' }],
    )
  })

  test('lets the compiler refuse what does not fit', () => {
    const stream = { path: '/orders', paginate: none(), schema }
    defineSource({
      ...source,
      streams: {
        // @ts-expect-error a field that raw records do not have
        a: { ...stream, primaryKey: ['id'], raw: z.object({ id: z.number() }), map: (raw) => raw.idd },
        // @ts-expect-error a function of other records
        b: { ...stream, primaryKey: ['id'], raw: z.object({ id: z.number() }), map: (raw: { id: string }) => raw },
        // @ts-expect-error without a type, nothing is known of a record
        c: { ...stream, primaryKey: ['id'], map: (raw) => raw.id },
        // @ts-expect-error a filter decides by true or false
        d: { ...stream, primaryKey: ['id'], raw: z.object({ id: z.number() }), filter: (raw) => raw.id },
        // @ts-expect-error not a field of the schema
        e: { ...stream, primaryKey: ['nope'], raw: z.object({ id: z.number() }) },
        // @ts-expect-error nor here
        f: { ...stream, primaryKey: ['id'], watermark: { field: 'nope', param: 'since' } },
        // @ts-expect-error a misspelt field
        g: { ...stream, primaryKey: ['id'], evry: '5m' },
      },
    })
  })
})

test('functions of a body may name what they expect', () => {
  const [accounts, orders] = streams(
    defineSource({
      ...source,
      streams: {
        accounts: {
          path: '/accounts',
          paginate: generator<{ page: number }>(async function* ({ request, cursor }) {
            sameType<{ page: number } | null>()(cursor)
            const { body } = await request<{ items: { id: string }[] }>({ params: { page: cursor?.page ?? 1 } })
            yield { records: body.items, cursor: { page: 2 } }
          }),
          records: (body: { items: unknown[] }) => body.items,
          envelope: { region: ({ body }: EnvelopeContext<{ region: string }>) => body.region },
          answers: {
            failed: (body: { error?: string }) => body.error,
            judge: ({ body }: JudgedResponse<{ code?: string } | null>) => (body?.code === 'NO' ? 'skip' : null),
          },
          schema: schema.extend({ region: z.string() }),
          primaryKey: ['id'],
          partitions: discover({
            over: 2,
            values: async ({ request }) => {
              const { body } = await request<{ id: string }[]>({ path: '/regions' })
              return body.map(({ id }) => ({ region: id }))
            },
          }),
        },
        orders: {
          path: '/accounts/{account}/orders',
          paginate: none(),
          schema,
          primaryKey: ['id'],
          partitions: parent({
            stream: 'accounts',
            over: 2,
            values: ({ id }: z.infer<typeof schema>) => ({ account: id }),
          }),
        },
      },
    }),
  )
  assert.equal(accounts?.answers.failed?.({ error: 'x' }, { status: 200, headers: {} }), 'x')
  assert.equal(orders?.discovery?.kind, 'parent')
})
