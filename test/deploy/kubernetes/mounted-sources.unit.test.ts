/**
 * Declarations as a ConfigMap mounts them: each file is a link into `..data`, which is a link to a folder that changes
 * with each version.
 */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { chooseStreams, readSources } from '#shared/declaration/load-sources.ts'
import { containersOf, parseManifests, readText } from './manifests.ts'
import { declarationsIn } from './rules.ts'

type Files = Record<string, string>

/** As the kubelet writes them: a new folder, then `..data` by a rename. */
function mount(folder: string, version: string, files: Files): void {
  mkdirSync(join(folder, version))
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, version, name), text)
    rmSync(join(folder, name), { force: true })
    symlinkSync(join('..data', name), join(folder, name))
  }
  symlinkSync(version, join(folder, '..data_tmp'))
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
}

function mounted(t: TestContext, files: Files): string {
  const folder = mkdtempSync(join(tmpdir(), 'headrace-mounted-'))
  t.after(() => rmSync(folder, { recursive: true }))
  mount(folder, '..2026_11_30_08_00_00.1', files)
  return folder
}

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
