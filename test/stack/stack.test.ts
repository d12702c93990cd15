import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { systemClock as clock } from '#shared/clock.ts'
import { HeadraceError } from '#shared/errors.ts'
import { connectKafka, type Kafka } from '#shared/kafka/kafka.ts'
import { silentLog as log } from '#shared/log.ts'
import { findJavas } from '../../services/stack/downloads/java.ts'
import { freePorts, HOST } from '../../services/stack/free-ports.ts'
import { SERVER_NAMES } from '../../services/stack/options.ts'
import {
  type Stack,
  type StackFile,
  type StackOptions,
  stackDown,
  stackStatus,
  stackUp,
} from '../../services/stack/stack.ts'
import { inReverse } from '../support/processes.ts'

const root = await mkdtemp(join(tmpdir(), 'headrace stack, ü;'))
const used: StackOptions[] = []
const closing = inReverse({ after })
closing.after(() => rm(root, { recursive: true, force: true }))
closing.after(async () => {
  for (const options of used) await stackDown(options)
})

/** A folder whose name has what breaks class paths, properties and URLs when they are not careful. */
async function optionsOf(name: string): Promise<StackOptions> {
  const dir = join(root, name)
  await mkdir(dir, { recursive: true })
  const options = { dir, log, clock, env: process.env, owned: true }
  used.push(options)
  return options
}

/** Fails unless the error is one line that names the thing, with a hint, and nothing of the stack runs. */
async function refused(options: StackOptions, code: string, message: RegExp): Promise<void> {
  await assert.rejects(stackUp(options), (error) => {
    assert.ok(error instanceof HeadraceError, String(error))
    assert.equal(error.code, code, error.message)
    assert.match(error.message, message)
    assert.notEqual(error.hint, undefined)
    return true
  })
  assert.equal((await stackStatus(options)).state, 'down')
  assert.equal(existsSync(join(options.dir, 'stack.json')), false)
}

async function clickhouse(addresses: StackFile, query: string): Promise<string> {
  const response = await fetch(addresses.clickhouse.url, { method: 'POST', body: query })
  const text = await response.text()
  assert.equal(response.status, 200, text)
  return text.trim()
}

const SCHEMA = JSON.stringify({
  $schema: 'http://json-schema.org/draft-07/schema#',
  type: 'object',
  properties: { n: { type: 'integer' } },
})

async function connected({ kafka: { brokers } }: StackFile): Promise<Kafka> {
  const kafka = await connectKafka({ brokers: [brokers], clientId: 'test' }, { log, clock })
  closing.after(() => kafka.close())
  return kafka
}

async function writeEverywhere({ addresses }: Stack): Promise<number> {
  await clickhouse(addresses, 'CREATE DATABASE warehouse')
  await clickhouse(addresses, 'CREATE TABLE warehouse.t (n UInt32) ENGINE = MergeTree ORDER BY n')
  await clickhouse(addresses, 'INSERT INTO warehouse.t VALUES (1), (2)')
  const kafka = await connected(addresses)
  await kafka.ensureTopic({ topic: 'records', partitions: 2 })
  await kafka.sender().send({ topic: 'records', partition: 1, messages: [{ key: 'k', value: 'v' }] })
  await kafka.close()
  const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' }
  const body = JSON.stringify({ schemaType: 'JSON', schema: SCHEMA })
  const response = await fetch(`${addresses.registry.url}/subjects/records-value/versions`, {
    method: 'POST',
    headers,
    body,
  })
  const answer = (await response.json()) as { id: number }
  assert.equal(response.status, 200, JSON.stringify(answer))
  return answer.id
}

async function readEverywhere(addresses: StackFile, schemaId: number): Promise<void> {
  assert.equal(await clickhouse(addresses, 'SELECT sum(n) FROM warehouse.t'), '3')
  const kafka = await connected(addresses)
  assert.deepEqual(
    (await kafka.logRanges('records')).map(({ high }) => high),
    [0, 1],
  )
  await kafka.close()
  const subjects = await fetch(`${addresses.registry.url}/subjects`)
  assert.deepEqual(await subjects.json(), ['records-value'])
  const registered = await fetch(`${addresses.registry.url}/schemas/ids/${schemaId}`)
  assert.deepEqual(JSON.parse(((await registered.json()) as { schema: string }).schema), JSON.parse(SCHEMA))
}

async function occupy(port: number) {
  const server = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve) => server.listen(port, HOST, resolve))
  closing.after(() => void server.close())
  return { close: () => new Promise((resolve) => server.close(resolve)) }
}

test('without Java the start is refused with one line', async () => {
  const options = { ...(await optionsOf('javaless')), env: { PATH: '', JAVA_HOME: '' }, jvmFolders: [] }
  await refused(options, 'HR_JAVA_MISSING', /^no Java 17 or newer found: Kafka and the registry need one$/)
})

test('with a cold cache and without Maven the start is refused with one line', async () => {
  const options = { ...(await optionsOf('mavenless')), cacheDir: join(root, 'cold'), env: { PATH: '' } }
  await refused(options, 'HR_MAVEN_MISSING', /^Maven \(mvn\) is not on PATH: .*$/)
})

test('a port that is asked for and taken is refused with one line', async () => {
  const [port = 0] = await freePorts(1, clock)
  const other = await occupy(port)
  const options = { ...(await optionsOf('taken')), ports: { registry: port } }
  await refused(options, 'HR_STACK_PORT_TAKEN', new RegExp(`^port ${port} for registry is taken by another process$`))
  await other.close()
})

test('a folder that cannot be written to is refused with one line', async () => {
  const options = await optionsOf('file')
  await writeFile(join(options.dir, 'file'), '')
  await assert.rejects(stackUp({ ...options, dir: join(options.dir, 'file') }), { code: 'HR_STACK_DIR' })
})

test('one server that dies while it starts is named with its log, and the others are ended', async () => {
  const options = await optionsOf('dying')
  await mkdir(join(options.dir, 'data', 'kafka'), { recursive: true })
  await writeFile(join(options.dir, 'data', 'kafka', 'meta.properties'), 'version=1\ncluster.id=none\nnode.id=77\n')
  await refused(
    options,
    'HR_STACK_SERVER_FAILED',
    /^kafka did not start: exit status 1; its log is .*kafka\.log\n.*node/s,
  )
})

const KILL_ORDER = ['registry', 'kafka', 'clickhouse'] as const

/**
 * Version 3 of the registry needs Java 21. Where the Java on PATH is older, and only it is looked for, version 2.6 must
 * do as well.
 */
const olderEnv = { ...process.env, JAVA_HOME: '', PATH: '/usr/bin:/bin' }
const ofPath = await findJavas(olderEnv, []).catch(() => [])
const skipOlder =
  ofPath.length > 0 && ofPath.every(({ major }) => major < 21)
    ? false
    : 'the Java in /usr/bin is missing or new enough for version 3'

for (const [name, skip, choice] of [
  ['the newest Java', false, {}],
  ['a Java that is too old for version 3 of the registry', skipOlder, { env: olderEnv, jvmFolders: [] }],
] as const) {
  test(`topic, schema and table survive kill -9 and restarts, with ${name}`, { skip }, async () => {
    const options = { ...(await optionsOf(name)), ...choice }
    const stack = await stackUp(options)
    const schemaId = await writeEverywhere(stack)
    // The registry first, right after it confirmed the schema: what it confirmed must be on disk.
    for (const [index, server] of KILL_ORDER.entries()) {
      await stack.kill(server, 'SIGKILL')
      const { servers } = await stackStatus(options)
      const stopped = servers.filter(({ state }) => state === 'stopped').map((one) => one.name)
      assert.deepEqual(stopped.sort(), KILL_ORDER.slice(0, index + 1).sort())
    }
    assert.equal((await stackStatus(options)).state, 'down')
    for (const server of SERVER_NAMES) await stack.start(server)
    await readEverywhere(stack.addresses, schemaId)
    assert.deepEqual(await stackDown(options), [...SERVER_NAMES])
    assert.equal(existsSync(join(options.dir, 'stack.json')), false)
    const again = await stackUp(options)
    assert.deepEqual(again.addresses, stack.addresses)
    assert.deepEqual(JSON.parse(await readFile(join(options.dir, 'stack.json'), 'utf8')), stack.addresses)
    await readEverywhere(again.addresses, schemaId)
    await again.down()
    await survivesOtherPorts(options, again, schemaId)
  })
}

/** Someone else took the port in the meantime: the server gets another one and keeps its data. */
async function survivesOtherPorts(options: StackOptions, before: Stack, schemaId: number): Promise<void> {
  const taken = Number(before.addresses.kafka.brokers.split(':')[1])
  const other = await occupy(taken)
  const stack = await stackUp(options)
  assert.notEqual(stack.addresses.kafka.brokers, before.addresses.kafka.brokers)
  await readEverywhere(stack.addresses, schemaId)
  await stack.down()
  await other.close()
}

test('a second start finds what runs, starts only what is missing, and refuses other ports', async () => {
  const options = await optionsOf('twice')
  const [stack, second] = await Promise.all([stackUp(options), stackUp(options)])
  assert.deepEqual([stack.alreadyUp, second.alreadyUp].sort(), [false, true])
  assert.deepEqual(second.addresses, stack.addresses)
  const before = await stackStatus(options)
  await stack.kill('clickhouse', 'SIGKILL')
  const healed = await stackUp(options)
  assert.equal(healed.alreadyUp, false)
  const after = await stackStatus(options)
  const pids = (status: typeof before) => status.servers.map(({ pid }) => pid)
  assert.deepEqual(pids(after).slice(0, 2), pids(before).slice(0, 2))
  assert.equal(after.state, 'up')
  await assert.rejects(stackUp({ ...options, ports: { kafka: 1 } }), { code: 'HR_STACK_RUNNING' })
  await stack.kill('kafka', 'SIGSTOP')
  const paused = (await stackStatus(options)).servers.find(({ name }) => name === 'kafka')
  assert.equal(paused?.state, 'not answering')
  await stack.down()
  assert.equal((await stackStatus(options)).state, 'down')
})

test('stopping what does not run is no error and makes no folder', async () => {
  const options = { ...(await optionsOf('never')), dir: join(root, 'never', 'there') }
  assert.deepEqual(await stackDown(options), [])
  assert.equal((await stackStatus(options)).state, 'down')
  assert.equal(existsSync(options.dir), false)
})
