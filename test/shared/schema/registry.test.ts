/** A real registry: with several workers at once, and behind a server that terminates TLS. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Unavailable } from '#shared/errors.ts'
import { z } from '#shared/index.ts'
import { connectRegistry, type Registry } from '#shared/schema/registry.ts'
import { makeAuthority } from '../../support/certificates.ts'
import { testStack, uniquePrefix } from '../../support/stack.ts'
import { overTls } from '../../support/tls-proxy.ts'
import { wire } from './orders-schema.ts'

const authority = makeAuthority()

test('a registry over TLS is refused with an unknown authority or without the certificate that it asks for, and used with both', async (t) => {
  const stack = await testStack()
  const { cert, key } = authority.issue('fetcher')
  const url = await overTls(t, new URL(stack.registryUrl), {
    ...authority.issue('registry'),
    ca: authority.ca,
    requestCert: true,
    rejectUnauthorized: true,
  })
  const subject = `${uniquePrefix()}.orders-value`
  for (const tls of [undefined, { cert, key }, { ca: authority.ca }]) {
    const refused = connectRegistry({ url, ...(tls === undefined ? {} : { tls }) })
    await assert.rejects(refused.latest(subject), (error) => error instanceof Unavailable)
  }

  const registry = connectRegistry({ url, tls: { ca: authority.ca, cert, key } })
  // Not found: the answer of a refusal is requested once more, by a connection of our own.
  assert.equal(await registry.latest(subject), null)
  const { id } = await registry.register(subject, wire({ id: z.string(), at: z.iso.datetime() }))
  assert.equal((await registry.latest(subject))?.id, id)
})

test('workers that register the same new subjects at once get the same id: none is refused, at most it has to wait', async () => {
  const { registryUrl } = await testStack()
  const prefix = uniquePrefix()
  const workers = Array.from({ length: 4 }, () => connectRegistry({ url: registryUrl }))
  for (let stream = 0; stream < 10; stream++) {
    const subject = `${prefix}.s${stream}-value`
    const ids = await Promise.all(workers.map((worker) => registered(worker, subject)))
    assert.deepEqual(new Set(ids.map(({ id }) => id)).size, 1)
  }
})

const ATTEMPTS_MAX = 5

/** As a fetcher does: a subject that appears between two requests is a registry to ask again, not a refusal. */
async function registered(worker: Registry, subject: string, attempt = 1): Promise<{ id: number }> {
  try {
    return await worker.register(subject, wire({ id: z.string(), at: z.iso.datetime() }))
  } catch (error) {
    if (!(error instanceof Unavailable) || attempt === ATTEMPTS_MAX) throw error
    return registered(worker, subject, attempt + 1)
  }
}
