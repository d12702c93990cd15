/** Declarations that a ConfigMap mounts. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { chooseStreams, readSources } from '#shared/declaration/load-sources.ts'
import { containersOf, parseManifests, readText } from './manifests.ts'
import { mounted } from './mount.ts'
import { declarationsIn } from './rules.ts'

const SHOP = `import { defineSource, z } from 'headrace'
import { paged } from './_paged.ts'
export default defineSource({
  name: 'mounted', baseUrl: 'https://api.shop.example',
  streams: { orders: { path: '/orders', records: '/data', paginate: paged, schema: z.object({ id: z.string() }), primaryKey: ['id'] } },
})
`
const PAGED = `import { cursor } from 'headrace'
export const paged = cursor({ next: '/next', param: 'cursor' })
`

test('a mistake in a mounted file is told by the name of the mounted file', async (t) => {
  const folder = mounted(t, {
    'types.ts': SHOP.replace("'/orders'", '3').replace('./_paged.ts', './_types.ts'),
    '_types.ts': PAGED,
    'text.ts': SHOP.replace("'/orders'", 'missing').replace('./_paged.ts', './_types.ts'),
  })
  const { unusable } = await readSources([folder])
  const messages = unusable.map(({ error }) => error.message).sort()
  assert.match(messages[0] ?? '', /\/text\.ts: cannot be loaded: missing is not defined, at .*\/text\.ts:5/)
  assert.match(messages[1] ?? '', /\/types\.ts, stream orders, field path: is a number/)
  assert.equal(messages.length, 2)
})

test('a mounted folder is loaded, with the helpers that its files import', async (t) => {
  const folder = mounted(t, { 'shop.ts': SHOP, '_paged.ts': PAGED })
  const declared = await readSources([folder])
  assert.deepEqual(declared.unusable, [])
  assert.deepEqual(
    declared.sources.filter(({ onDemand, name }) => !onDemand && name === 'mounted').map(({ file }) => file),
    [join(folder, 'shop.ts')],
  )
  assert.equal(chooseStreams(declared, ['mounted.orders']).length, 1)
})

test('the declaration of deploy/k8s/full.yaml is loaded, and has the streams that the fetcher is asked for', async (t) => {
  const manifests = parseManifests(readText('full.yaml'))
  const declared = await readSources([mounted(t, Object.fromEntries(declarationsIn(manifests)))])
  assert.deepEqual(declared.unusable, [])
  const fetcher = containersOf(manifests).find(([, { name }]) => name === 'fetcher')?.[1]
  const [command, ...streams] = fetcher?.args ?? []
  assert.equal(command, 'fetch')
  assert.deepEqual(
    chooseStreams(declared, streams).map(({ label }) => label),
    ['shop.orders'],
  )
})
