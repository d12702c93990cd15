import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Unavailable, WrongUse } from '#shared/errors.ts'
import { loadDocument, REDIRECTS_MAX } from '../../../../services/cli/init/openapi/load-document.ts'

const tools = { signal: new AbortController().signal, proxies: undefined }

async function server(t: TestContext, respond: Parameters<typeof createServer>[1]): Promise<string> {
  const http = createServer(respond)
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    http.close()
    http.closeAllConnections()
  })
  const { port } = http.address() as { port: number }
  return `http://127.0.0.1:${port}`
}

test('a file, as text; one that is not there is named', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'headrace-openapi-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const file = join(dir, 'shop.yaml')
  await assert.rejects(
    loadDocument(file, tools),
    (error) => error instanceof WrongUse && error.message.startsWith(`${file} cannot be read: ENOENT`),
  )
  await assert.rejects(loadDocument(dir, tools), WrongUse)
  writeFileSync(file, 'openapi: 3.1.0\n')
  assert.deepEqual(await loadDocument(file, tools), { text: 'openapi: 3.1.0\n', from: file, address: null })
})

test('an address, also behind redirects; the last one counts, and secrets are not shown', async (t) => {
  const base = await server(t, ({ url }, response) => {
    if (url?.startsWith('/docs') === true) response.writeHead(302, { location: '/v2/openapi.json' }).end()
    else response.end('{}')
  })
  assert.deepEqual(await loadDocument(`${base}/docs?api_key=secret`, tools), {
    text: '{}',
    from: `${base}/docs?api_key=***`,
    address: `${base}/v2/openapi.json`,
  })
})

test('an address that refuses, turns in circles or does not respond', async (t) => {
  const seen: string[] = []
  const base = await server(t, ({ url = '' }, response) => {
    seen.push(url)
    if (url === '/circle') response.writeHead(301, { location: '/circle' }).end()
    else response.writeHead(403).end()
  })
  const refused = (message: RegExp) => (error: unknown) => error instanceof WrongUse && message.test(error.message)
  await assert.rejects(loadDocument(`${base}/secret`, tools), refused(/\/secret responds with 403$/))
  await assert.rejects(loadDocument(`${base}/circle`, tools), refused(/more than 5 redirects/))
  assert.equal(seen.filter((url) => url === '/circle').length, REDIRECTS_MAX + 1)
  await assert.rejects(
    loadDocument('http://127.0.0.1:1/', tools),
    (error) => error instanceof Unavailable && error.code === 'HR_OPENAPI',
  )
})
