/**
 * A registry URL without its path, at the start or while the loader runs: it waits and says so; no record and no offset
 * is spent on it.
 */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Config } from '#shared/config/config.ts'
import { frame } from '#shared/messages/frame.ts'
import { command, commits, count, loadAll, startLoader, until } from '../../support/loading.ts'
import { closeAll, order, ownPlace, publish } from '../../support/published.ts'

after(closeAll)

const withoutPath = (config: Config): Config => ({
  ...config,
  registry: { ...config.registry, url: new URL(config.registry.url).origin },
})

test('a one-shot load ends with a hint, a service waits; no dead letter, no commit; with the path, all is loaded', async () => {
  const place = await ownPlace({ LOADER_BATCH_AGE_MS: '100' })
  const orders = await publish(place)
  await orders.page({ records: [order(1), order(2)] })
  const wrong = withoutPath(place.config)
  await assert.rejects(loadAll(place, wrong), { code: 'HR_REGISTRY_FOREIGN', hint: /apis\/ccompat/ })
  const loading = startLoader(place, wrong)
  await until('it says so', () => loading.lines.some(({ reason }) => reason === 'HR_REGISTRY_FOREIGN'))
  await loading.stop()
  assert.deepEqual([(await orders.deadLetters()).length, (await commits(place, orders.topic))[0] ?? null], [0, null])
  assert.equal((await loadAll(place)).rows, 2)
  await orders.close()
})

test('a table that never was is not gone: after dead letters alone, the first good record makes it', async () => {
  const place = await ownPlace({ LOADER_BATCH_AGE_MS: '100' })
  const orders = await publish(place)
  await orders.raw(0, [{ key: 'a', value: frame(2_000_000_000, '{"id":"a"}') }])
  await loadAll(place)
  assert.equal((await orders.deadLetters()).length, 1)
  await command(place, `DROP TABLE {db}.${orders.table} SYNC`)
  await orders.page({ records: [order(1)] })
  await loadAll(place)
  assert.equal(await count(place, orders.table), 1)
  await orders.close()
})
