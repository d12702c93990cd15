/**
 * The images, built without a Docker engine and run: the one of this repository by its Dockerfile, and the one of a
 * repository that `create` writes. By option, since it needs root and Debian's buildah and debootstrap.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { systemClock } from '#shared/clock.ts'
import { BASE } from '../../bin/image/base.ts'
import { buildahIn } from '../../bin/image/buildah.ts'
import { npmSecrets } from '../../bin/image/npm-secrets.ts'
import packageJson from '../../package.json' with { type: 'json' }
import { freePorts } from '../../services/stack/free-ports.ts'
import { startApi } from '../support/api.ts'
import { mistakesInBom } from '../support/cyclonedx.ts'
import { type Image, imageIn } from '../support/image.ts'
import { until } from '../support/loading.ts'
import { environmentWith, installed, packedIn, ROOT, worksIn } from '../support/package.ts'
import { declarationOf } from '../support/pipeline.ts'
import { testStack, uniquePrefix } from '../support/stack.ts'

const isAsked = process.env.HEADRACE_TEST_IMAGE === '1'
const HOW = 'set HEADRACE_TEST_IMAGE=1, as root, with buildah and debootstrap: builds the images and runs them'
const SUITE_MS_MAX = 20 * 60_000
const CREATED = 'localhost/created:1'

if (!isAsked) test('the images, built and run', { skip: HOW })

if (isAsked)
  describe('the images, built and run', { timeout: SUITE_MS_MAX }, () => {
    let dir = ''
    let image: Image
    before(() => {
      // A folder that stays has the base already.
      dir = process.env.HEADRACE_TEST_IMAGE_DIR ?? mkdtempSync(join(tmpdir(), 'headrace-image-'))
      const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, 'bin/image/build.ts'), '--dir', dir], {
        encoding: 'utf8',
        timeout: SUITE_MS_MAX,
      })
      assert.equal(status, 0, `${stdout}\n${stderr}`)
      image = imageIn(buildahIn(dir), JSON.parse(stdout).image)
    })
    after(() => {
      image?.remove()
      if (process.env.HEADRACE_TEST_IMAGE_DIR === undefined) rmSync(dir, { recursive: true, force: true })
    })

    /** As Kubernetes mounts a ConfigMap: links to a folder that is replaced as a whole. */
    function configMap(text: string): Record<string, string> {
      const folder = mkdtempSync(join(tmpdir(), 'headrace-sources-'))
      after(() => rmSync(folder, { recursive: true, force: true }))
      chmodSync(folder, 0o755)
      mkdirSync(join(folder, '..2026_01_01'))
      writeFileSync(join(folder, '..2026_01_01', 'shop.ts'), text)
      symlinkSync('..2026_01_01', join(folder, '..data'))
      symlinkSync('..data/shop.ts', join(folder, 'shop.ts'))
      return { [folder]: '/sources' }
    }

    async function environmentOf(prefix: string): Promise<Record<string, string>> {
      const {
        PATH: _,
        HOME: __,
        ...env
      } = (await testStack()).env({ HEADRACE_PREFIX: prefix, CLICKHOUSE_DATABASE: prefix })
      return { ...env, HEADRACE_LOG_FORMAT: 'json' }
    }

    test('has labels, health, a stop signal, and its command as entry point', () => {
      const { Labels, User, Entrypoint, StopSignal, Healthcheck, Env } = image.config
      const label = (name: string) => Labels[`org.opencontainers.image.${name}`]
      assert.deepEqual(
        [label('title'), label('version'), label('licenses')],
        ['headrace', packageJson.version, 'Apache-2.0'],
      )
      assert.match(label('revision') ?? '', /^[0-9a-f]{40}$/)
      assert.ok(Date.parse(label('created') ?? '') > 0)
      assert.deepEqual([User, Entrypoint, StopSignal], ['1000:1000', ['headrace'], 'SIGTERM'])
      assert.equal(Healthcheck.Test[0], 'CMD')
      assert.deepEqual(
        Env.filter((each) => /secret|token|npm/i.test(each)),
        [],
      )
    })

    test('refuses every write outside of /tmp, and has no package manager', async (t) => {
      const script =
        'for at in / /app /sources /tmp; do touch $at/x 2>/dev/null && echo $at; done; id -u; command -v npm npx yarn corepack'
      const { stdout } = await image.run(t, [script], { entrypoint: ['sh', '-c'] })
      assert.equal(stdout, '/tmp\n1000\n')
      assert.deepEqual(globSync(`${image.root}/{usr/local/lib/node_modules,opt/yarn*,root/.npm*,run/secrets}`), [])
    })

    test('lists in its bill of materials exactly the packages that it has', () => {
      const bom = JSON.parse(readFileSync(join(image.root, 'app/sbom.cdx.json'), 'utf8'))
      assert.deepEqual(mistakesInBom(bom), [])
      const listed = (kind: string): string[] =>
        bom.components.flatMap(({ purl = '' }) => (purl.startsWith(`pkg:${kind}/`) ? [decodeURIComponent(purl)] : []))
      const manifests = globSync(`${image.root}/app/{node_modules,node_modules/**/node_modules}/{*,@*/*}/package.json`)
      const held = manifests.map((file) => JSON.parse(readFileSync(file, 'utf8')))
      const named = held.map(({ name, version }) => `pkg:npm/${name}@${version}`)
      assert.ok(named.length > 50)
      assert.deepEqual([...new Set(named)].sort(), listed('npm').sort())
      const status = readFileSync(join(image.root, 'var/lib/dpkg/status'), 'utf8')
      assert.equal(listed('deb').length, status.match(/^Status: install ok installed$/gm)?.length)
      assert.deepEqual(listed('generic'), [`pkg:generic/node@${packageJson.devDependencies.node}`])
      for (const name of ['chdb', 'ffi-rs', 'vega-datasets', 'typescript'])
        assert.ok(!held.some((each) => each.name === name), name)
    })

    test('does not say where the building machine got its packages from', () => {
      const said = (program: string, ...args: string[]) => spawnSync(program, args, { encoding: 'utf8' }).stdout.trim()
      const mirror = said('apt-get', 'indextargets', '--format', '$(SITE)', 'Created-By: Packages').split('\n')[0] ?? ''
      for (const address of [said('npm', 'config', 'get', 'registry'), mirror]) {
        const { host } = new URL(address)
        const files = said('grep', '-rlsF', host, image.root)
          .split('\n')
          .map((file) => file.slice(image.root.length))
        // What a package itself says of a public registry is its own.
        assert.deepEqual(
          files.filter((file) => file !== '' && !/^\/(app\/node_modules\/.*\/|usr\/)/.test(file)),
          [],
        )
        assert.ok(!JSON.stringify(image.config).includes(host))
      }
    })

    test('says where the local stack is to be had, and names the command as it is called there', async (t) => {
      assert.deepEqual(await image.run(t, ['--version']), { status: 0, stdout: `${packageJson.version}\n`, stderr: '' })
      const stack = await image.run(t, ['stack', 'up'])
      assert.equal(stack.status, 2)
      assert.match(stack.stderr, /does not contain the local stack\n {2}hint: run stack, demo and sample-api where/)
      assert.match((await image.run(t, ['status'])).stderr, /hint: .*: headrace stack up/)
    })

    test('takes an API to ClickHouse with declarations of a ConfigMap', async (t) => {
      const api = await startApi(t)
      for (const number of [1, 2, 3])
        api.put({ id: `o${number}`, region: 'eu', total: number, updated_at: `2026-01-0${number}T00:00:00Z` })
      const prefix = uniquePrefix()
      const options = { mounts: configMap(declarationOf(api.url, {})), env: await environmentOf(prefix) }
      for (const args of [
        ['check', 'shop'],
        ['fetch', 'shop.orders', '--once'],
        ['load', '--until-caught-up'],
      ]) {
        const { status, stdout, stderr } = await image.run(t, args, options)
        assert.equal(status, 0, `${args.join(' ')}\n${stdout}\n${stderr}`)
        assert.doesNotMatch(stderr, /Warning/)
      }
      const { clickhouseUrl } = await testStack()
      const count = encodeURIComponent(`SELECT count() FROM ${prefix}.shop_orders FINAL`)
      assert.equal(await (await fetch(`${clickhouseUrl}/?query=${count}`)).text(), '3\n')
    })

    test('is live, healthy by its own check, and ends with 0 at SIGTERM', async (t) => {
      const [port = 0] = await freePorts(1, systemClock)
      const env = { ...(await environmentOf(uniquePrefix())), HEADRACE_HTTP_PORT: String(port) }
      const [, ...healthcheck] = image.config.Healthcheck.Test
      assert.equal((await image.run(t, [], { entrypoint: healthcheck, env })).status, 1)
      const loader = image.start(t, ['load'], { env })
      await until('the loader is live', async () => (await fetch(`http://127.0.0.1:${port}/livez`)).ok)
      assert.equal((await image.run(t, [], { entrypoint: healthcheck, env })).status, 0)
      await loader.signal('SIGTERM')
      const { status, stderr } = await loader.ended
      assert.equal(status, 0, stderr)
      assert.match(stderr, /"msg":"stopped"/)
    })

    test('ends at SIGTERM in a command that does not handle it, though it is process 1', async (t) => {
      let isAsked = false
      const broker = createServer(() => {
        isAsked = true
      }).listen(0, '127.0.0.1')
      t.after(() => broker.close())
      await once(broker, 'listening')
      const { port } = broker.address() as AddressInfo
      const status = image.start(t, ['status'], { env: { KAFKA_BROKERS: `127.0.0.1:${port}` } })
      await until('the broker is asked', () => isAsked)
      await status.signal('SIGTERM')
      assert.equal((await status.ended).status, 143)
    })

    test('of a created repository checks its sources, without the packages of the local stack', async (t) => {
      const place = mkdtempSync(join(tmpdir(), 'headrace-created-'))
      t.after(() => rmSync(place, { recursive: true, force: true }))
      const env = environmentWith(process.execPath)
      const user = join(place, 'user')
      mkdirSync(user)
      writeFileSync(join(user, 'package.json'), '{ "private": true }\n')
      await installed({ cwd: user, env }, [await packedIn(place)])
      await worksIn({ cwd: user, env }, 'npx', 'headrace', 'create', 'warehouse')
      const repository = { cwd: join(user, 'warehouse'), env }
      // Not every registry has what they have for other platforms; the third one stays, and must not be installed.
      await worksIn(repository, 'npm', 'pkg', 'delete', 'devDependencies.chdb', 'devDependencies.ffi-rs')
      await worksIn(repository, 'npm', 'install', '--package-lock-only', '--ignore-scripts', '--no-audit', '--no-fund')
      const api = await startApi(t)
      api.put({ id: 'o1', region: 'eu', total: 1, updated_at: '2026-01-01T00:00:00Z' })
      writeFileSync(join(repository.cwd, 'sources', 'shop.ts'), declarationOf(api.url, {}))

      const buildah = buildahIn(dir)
      buildah.build(repository.cwd, '--build-arg', `NODE_IMAGE=${BASE}`, ...npmSecrets(place), '--tag', CREATED)
      const created = imageIn(buildah, CREATED)
      try {
        const { status, stdout, stderr } = await created.run(t, ['check', 'shop'])
        assert.equal(status, 0, `${stdout}\n${stderr}`)
        assert.match((await created.run(t, ['status'])).stderr, /hint: .*: headrace stack up/)
        const held = globSync(`${created.root}/warehouse/node_modules/{*,@*/*}`).map(
          (path) => path.split('/node_modules/')[1],
        )
        assert.ok(held.includes('headrace'))
        assert.deepEqual(
          held.filter((name) => /^(chdb|ffi-rs|vega-datasets|typescript)$/.test(name ?? '')),
          [],
        )
        const { stdout: managers } = await created.run(t, ['command -v npm npx yarn'], { entrypoint: ['sh', '-c'] })
        assert.equal(managers, '')
      } finally {
        created.remove()
      }
    })
  })
