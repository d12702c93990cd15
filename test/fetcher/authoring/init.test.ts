import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { PassThrough } from 'node:stream'
import { after, describe, type TestContext, test } from 'node:test'
import { systemClock } from '#shared/clock.ts'
import { resolverFor } from '#shared/config/config.ts'
import { loadSources } from '#shared/declaration/load-sources.ts'
import { Stopped, WrongUse } from '#shared/errors.ts'
import { silentLog } from '#shared/log.ts'
import { AUTHS, answersFor, type InitAnswers, type InitFlags, PAGINATES } from '../../../services/cli/init/answers.ts'
import { filesFor } from '../../../services/cli/init/files.ts'
import { initCommand } from '../../../services/cli/init/init.ts'
import { openTerminal } from '../../../services/cli/init/terminal.ts'
import { checkSource } from '../../../services/fetcher/authoring/check/check.ts'
import { fastClock } from '../../support/clocks.ts'
import { type Asked, startServer } from '../../support/http.ts'
import { owned, run } from '../../support/processes.ts'
import { order } from '../declared.ts'
import { ownFolder, PATIENT } from './authoring.ts'

const ROOT = resolve(import.meta.dirname, '..', '..', '..')
/** Leaves nothing to ask, also at a terminal. */
const ANSWERED = {
  url: 'https://api.shop.example',
  path: '/v1/orders',
  stream: 'orders',
  auth: 'none',
  paginate: 'none',
  records: '/data',
  key: 'id',
  watermark: 'none',
}
const URL_GIVEN = 'https://api.shop.example/v1/orders?limit=50&region=eu'

async function writeFiles(t: TestContext, dir: string, name: string, flags: InitFlags): Promise<InitAnswers> {
  const answers = await answersFor(name, { url: URL_GIVEN, ...flags }, null)
  for (const { path, text } of await filesFor(answers, dir, systemClock)) writeFileSync(path, text)
  t.diagnostic(name)
  return answers
}

function node(args: readonly string[], cwd: string): Promise<{ status: number | null; text: string }> {
  return new Promise((done) => {
    // A test that runs tests would take them for its own.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env
    const child = owned({ after }, spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] }))
    let text = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += chunk))
    child.once('close', (status) => done({ status, text }))
  })
}

describe('nothing is written', () => {
  const wrong: [string, InitFlags, RegExp][] = [
    ['without an address', {}, /--url is missing/],
    ['for an address that is none', { url: 'api.shop.example' }, /--url: expected an http or https URL/],
    [
      'for an address that holds a secret',
      { url: 'https://api.shop.example/v1/orders?api_key=4711' },
      /--url: contains a secret/,
    ],
    ['without a path', { url: 'https://api.shop.example' }, /--path is missing/],
    ['for unknown credentials', { url: URL_GIVEN, auth: 'magic' }, /--auth: expected one of none, bearer/],
    ['for an unknown way of paging', { url: URL_GIVEN, paginate: 'pages' }, /--paginate: expected one of cursor/],
    ['for a pointer that is none', { url: URL_GIVEN, records: 'data' }, /--records: expected a JSON pointer/],
    [
      'for a watermark without its parameter',
      { url: URL_GIVEN, watermark: 'updated_at' },
      /--watermark: expected field=parameter/,
    ],
    ['for an empty answer', { url: URL_GIVEN, key: '' }, /--key: expected an answer/],
    [
      'for a name that no stream can have',
      { url: URL_GIVEN, stream: 'All Orders' },
      /these answers do not make a valid declaration: shop\.ts.*expected a name/,
    ],
    [
      "for a field that is the loader's own",
      { url: URL_GIVEN, key: '_id' },
      /these answers do not make a valid declaration: shop\.ts, stream orders, field schema\._id/,
    ],
    [
      'for records and a next page that exclude each other',
      { url: URL_GIVEN, paginate: 'cursor', records: 'whole' },
      /--records and --next/,
    ],
  ]
  for (const [name, flags, words] of wrong) {
    test(name, async (t) => {
      const dir = ownFolder(t)
      const made = async () => filesFor(await answersFor('shop', flags, null), dir, systemClock)
      await assert.rejects(
        made,
        (error) => error instanceof WrongUse && words.test(error.message) && (error.hint ?? '') !== '',
      )
      assert.deepEqual(readdirSync(dir), [])
    })
  }

  test('over a file that exists, or under a name that is taken', async (t) => {
    const dir = ownFolder(t)
    const command = (name: string, into: string) =>
      initCommand(name, { ...ANSWERED, dir: into, sources: [], offline: true })
    for (const file of ['shop.ts', 'shop.test.ts', 'shop.orders.recording.json']) {
      const into = join(dir, file)
      mkdirSync(into)
      writeFileSync(join(into, file), file.endsWith('.ts') ? 'throw new Error()' : 'kept')
      const refused = (error: unknown) =>
        error instanceof WrongUse && error.message === `${join(into, file)} exists: nothing was written`
      await assert.rejects(command('shop', into), refused)
      assert.deepEqual(readdirSync(into), [file])
    }
    const taken = (error: unknown) =>
      error instanceof WrongUse && /a source "usgs" is declared in .*quakes-live\.ts/.test(error.message)
    await assert.rejects(command('usgs', join(dir, 'new')), taken)
    await assert.rejects(command('My Shop', join(dir, 'new')), WrongUse)
    assert.ok(!existsSync(join(dir, 'new')))
  })
})

describe('what init writes', () => {
  test('loads, is formatted, and has a test that passes: every way of paging, every kind of credentials', async (t) => {
    const dir = ownFolder(t)
    const count = Math.max(AUTHS.length, PAGINATES.length)
    for (let index = 0; index < count; index++) {
      const auth = AUTHS[index % AUTHS.length]
      const paginate = PAGINATES[index % PAGINATES.length]
      const more =
        index % 2 === 0
          ? { watermark: 'updated_at=since', key: 'id, line-no' }
          : { records: '/result/items', path: '/v1/orders' }
      await writeFiles(t, dir, `shop-${index}`, { ...(auth && { auth }), ...(paginate && { paginate }), ...more })
    }
    const names = (await loadSources([dir])).map(({ name }) => name)
    assert.deepEqual(
      names.slice(-count),
      Array.from({ length: count }, (_, index) => `shop-${index}`),
    )

    const register = join(ROOT, 'services', 'fetcher', 'authoring', 'recording', 'register.ts')
    const tests = readdirSync(dir).filter((file) => file.endsWith('.test.ts'))
    const ran = await node(
      ['--import', register, '--test', '--test-isolation=none', '--test-reporter=tap', ...tests],
      dir,
    )
    assert.equal(ran.status, 0, ran.text)
    assert.match(ran.text, new RegExp(`# pass ${count}\\n`))
    assert.match(ran.text, /# skipped 0\n/)

    const settings = JSON.parse(readFileSync(join(ROOT, 'biome.json'), 'utf8'))
    const { $schema: _, ...rest } = settings
    writeFileSync(join(dir, 'biome.json'), `${JSON.stringify({ ...rest, root: true, files: {} }, null, 2)}\n`)
    const checked = await node(
      [
        join(ROOT, 'node_modules', '@biomejs', 'biome', 'bin', 'biome'),
        'check',
        ...readdirSync(dir).filter((file) => file.endsWith('.ts')),
      ],
      dir,
    )
    assert.equal(checked.status, 0, checked.text)
  })

  test('has a test that fails when the declaration is wrong', async (t) => {
    const dir = ownFolder(t)
    await writeFiles(t, dir, 'shop', { paginate: 'cursor' })
    const file = join(dir, 'shop.ts')
    writeFileSync(file, readFileSync(file, 'utf8').replace("next: '/next_cursor'", "next: '/cursor'"))
    const register = join(ROOT, 'services', 'fetcher', 'authoring', 'recording', 'register.ts')
    const ran = await node(['--import', register, '--test', '--test-isolation=none', 'shop.test.ts'], dir)
    assert.equal(ran.status, 1)
    assert.match(ran.text, /the walk ends after exchange 1, but the recording has 2/)
  })

  test('passes a check against an API that is as the answers say', async (t) => {
    const records = [order('1', 1), order('2', 2), order('3', 3)]
    const server = await startServer(t, ({ query }: Asked) => {
      const found = records.filter(({ updated_at }) => updated_at >= (query.get('since') ?? ''))
      const at = Number(query.get('cursor') ?? 0)
      return { json: { data: found.slice(at, at + 2), next_cursor: at + 2 < found.length ? String(at + 2) : null } }
    })
    const dir = ownFolder(t)
    await writeFiles(t, dir, 'shop', {
      url: `${server.url}/v1/orders`,
      paginate: 'cursor',
      watermark: 'updated_at=since',
    })
    const source = (await loadSources([dir])).at(-1)
    assert.equal(source?.name, 'shop')
    const { steps } = await checkSource({
      source: { ...source, timeout: Number.parseInt(PATIENT.timeout, 10) * 3_600_000 },
      streams: source.streams,
      clock: fastClock(),
      log: silentLog,
      resolver: resolverFor({}),
      signal: new AbortController().signal,
    })
    assert.deepEqual(
      steps.filter(({ status }) => status === 'failed'),
      [],
    )
    assert.equal(steps.find(({ step }) => step === 'watermark')?.status, 'ok')
  })

  test('tells what to do next, and where everything is', async (t) => {
    const dir = ownFolder(t)
    const { status, stdout, stderr } = await run(
      t,
      ['init', 'shop', '--dir', dir, '--url', URL_GIVEN, '--offline', '--auth', 'bearer', '--records', ''],
      {},
    )
    assert.equal(status, 0, stderr)
    assert.deepEqual(readdirSync(dir).sort(), ['shop.orders.recording.json', 'shop.test.ts', 'shop.ts'])
    assert.match(
      stdout,
      /export SHOP_TOKEN=…\n.*--sources \S+ check shop\n.*preview shop\.orders --record \S+shop\.orders\.recording\.json\n.*--test \S+shop\.test\.ts\n$/,
    )
    assert.match(readFileSync(join(dir, 'shop.orders.recording.json'), 'utf8'), /"note": "Made up by headrace init\./)
    const declaration = readFileSync(join(dir, 'shop.ts'), 'utf8')
    assert.match(declaration, /baseUrl: 'https:\/\/api\.shop\.example',/)
    assert.match(declaration, /path: '\/v1\/orders',\n {6}params: \{ limit: 50, region: 'eu' \},/)
    assert.match(declaration, /records: '',/)
  })

  test('holds texts as they were typed, whatever they are', async (t) => {
    const dir = ownFolder(t)
    const PATH = "/it's/'); process.exit(9); ('/`/\\n"
    const answers = await answersFor(
      'shop',
      { url: 'https://api.shop.example', path: PATH, stream: 'orders', key: 'a b' },
      null,
    )
    for (const { path, text } of await filesFor(answers, dir, systemClock)) writeFileSync(path, text)
    const stream = (await loadSources([dir])).at(-1)?.streams[0]
    assert.equal(stream?.path, PATH)
    assert.deepEqual(stream?.primaryKey, ['a b'])
  })
})

describe('a person at a terminal', () => {
  function terminal(t: TestContext, ...answers: string[]) {
    const input = new PassThrough()
    const output = new PassThrough()
    let shown = ''
    const left = [...answers]
    output.on('data', (chunk) => {
      shown += chunk
      // Whoever answers has read the question.
      if (/: $/.test(String(chunk))) {
        const answer = left.shift()
        if (answer === undefined) input.end()
        else input.write(`${answer}\n`)
      }
    })
    const opened = openTerminal(input, output)
    t.after(() => opened.close())
    return { opened, shown: () => shown, left }
  }

  test('is asked for what the flags leave open, and an empty answer takes the default', async (t) => {
    const { opened, shown, left } = terminal(t, '', '', 'cursor', '', 'after', '', '', 'changed=since')
    const answers = await answersFor('shop', { url: URL_GIVEN, auth: 'bearer' }, opened)
    assert.deepEqual(answers, {
      name: 'shop',
      url: 'https://api.shop.example',
      path: '/v1/orders',
      params: { limit: 50, region: 'eu' },
      stream: 'orders',
      auth: 'bearer',
      paginate: 'cursor',
      next: '/next_cursor',
      param: 'after',
      limit: 100,
      records: '/data',
      key: ['id'],
      watermark: { field: 'changed', param: 'since' },
    })
    assert.deepEqual(left, [])
    assert.match(shown(), /Path of the endpoint \[\/v1\/orders\]: /)
    assert.doesNotMatch(shown(), /Credentials|Address/)
  })

  test('is asked again after a wrong answer, told what is wrong, and not for ever', async (t) => {
    const again = terminal(
      t,
      'shop.example',
      'https://api.shop.example/v1/orders',
      '',
      '',
      'secret',
      'none',
      '',
      '',
      '',
      '',
    )
    assert.equal((await answersFor('shop', {}, again.opened)).url, 'https://api.shop.example')
    assert.match(again.shown(), /expected an http or https URL/)
    assert.match(again.shown(), /expected one of none, bearer/)
    const never = terminal(t, ...Array<string>(20).fill('no'))
    await assert.rejects(
      answersFor('shop', {}, never.opened),
      (error) => error instanceof WrongUse && /--url: asked 5 times/.test(error.message),
    )
  })

  test('who leaves has written nothing', async (t) => {
    const { opened } = terminal(t, URL_GIVEN)
    await assert.rejects(
      answersFor('shop', {}, opened),
      (error) => error instanceof Stopped && /nothing was written/.test(error.message),
    )
  })
})
