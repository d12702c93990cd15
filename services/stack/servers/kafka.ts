/**
 * Apache Kafka, one broker that is its own controller (KRaft), from Maven Central. Topics are created only explicitly,
 * never by a stray read. The log folder is formatted once, elsewhere, and moved into place: an interrupted start leaves
 * no half-formatted log.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import type { Java } from '../downloads/java.ts'
import { type Download, fetchDownload } from '../downloads/maven.ts'
import { exists } from '../files.ts'
import { HOST } from '../free-ports.ts'
import { type Launch, type Ports, pathsOf, type StackOptions } from '../options.ts'
import { runCommand } from '../processes/command.ts'

const VERSION = '4.4.0'
const HEAP_MEGABYTES = 512
const STOP_WITHIN_MS = 15_000
const ANSWER_BYTES_MAX = 64 * 1024

const DOWNLOAD: Download = {
  name: `kafka-${VERSION}`,
  what: `Apache Kafka ${VERSION}`,
  megabytes: 43,
  artifacts: [`org.apache.kafka:kafka_2.13:${VERSION}`, 'org.slf4j:slf4j-simple:1.7.36'],
}

/** Downloads, formats and configures; returns how to start the broker. */
export async function prepareKafka(options: StackOptions, ports: Ports, javas: readonly Java[]): Promise<Launch> {
  const paths = pathsOf(options)
  const jars = await fetchDownload(DOWNLOAD, options)
  const java = javas[0]!.executable
  const properties = join('run', 'server.properties')
  await writeFile(join(paths.dir, properties), propertiesOf('data/kafka', ports))
  await format(options, java, jars, ports)
  // Time to ready on 2 idle cores: 2.3 s by default, 2.1 s with the serial collector. A class archive would save 0.7 s
  // and cost 2 s once. C1 alone would save 0.2 s and lose the optimising compiler.
  return {
    command: java,
    args: [
      `-Xmx${HEAP_MEGABYTES}m`,
      '-XX:+UseSerialGC',
      ...loggingFlags(),
      '-cp',
      join(jars, '*'),
      'kafka.Kafka',
      properties,
    ],
    env: {},
    stopWithinMs: STOP_WITHIN_MS,
  }
}

/** The broker is ready when it lists itself in a Metadata response: then it is no longer fenced. */
export async function isKafkaReady(port: number, withinMs: number): Promise<boolean> {
  const answer = await ask(port, metadataRequest(), withinMs)
  return (
    answer !== undefined && answer.length >= 12 && answer.readInt32BE(0) === CORRELATION_ID && answer.readInt32BE(8) > 0
  )
}

async function format(options: StackOptions, java: string, jars: string, ports: Ports): Promise<void> {
  const paths = pathsOf(options)
  if (await exists(join(paths.data('kafka'), 'meta.properties'))) return
  const temporary = `${paths.data('kafka')}.new`
  await rm(temporary, { recursive: true, force: true })
  await mkdir(dirname(temporary), { recursive: true })
  const properties = join('run', 'format.properties')
  await writeFile(join(paths.dir, properties), propertiesOf('data/kafka.new', ports))
  // One argument with its name: an id that begins with a dash would be taken for an option.
  const id = `--cluster-id=${clusterId()}`
  const tool = ['-cp', join(jars, '*'), 'kafka.tools.StorageTool', 'format', '--standalone', id, '-c', properties]
  const args = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', ...loggingFlags(), ...tool]
  const hint = `remove ${paths.data('kafka')} and start again`
  const what = "formatting Kafka's log folder"
  await runCommand({ command: java, args, cwd: paths.dir, logFile: paths.log('kafka'), what, hint }, options)
  await rename(temporary, paths.data('kafka'))
}

function loggingFlags(): string[] {
  return [
    '-Dorg.slf4j.simpleLogger.showDateTime=true',
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSS",
  ]
}

/** Kafka's form of a UUID: 16 bytes in URL-safe base64. */
function clusterId(): string {
  return Buffer.from(randomUUID().replaceAll('-', ''), 'hex').toString('base64url')
}

/**
 * `dataDir` is relative to the stack's folder, Kafka's working directory: a properties file splits at commas and knows
 * only Latin-1.
 */
function propertiesOf(dataDir: string, { kafka, kafkaController }: Ports): string {
  return `process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=${HOST}:${kafkaController}
listeners=PLAINTEXT://${HOST}:${kafka},CONTROLLER://${HOST}:${kafkaController}
advertised.listeners=PLAINTEXT://${HOST}:${kafka},CONTROLLER://${HOST}:${kafkaController}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=${dataDir}
auto.create.topics.enable=false
num.partitions=3
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
`
}

const CORRELATION_ID = 1
const API_METADATA = 3
const METADATA_VERSION = 4

/**
 * Metadata request v4 without topics: header v1 (api, version, correlation, client), an empty array of topics, no
 * auto-creation.
 */
function metadataRequest(): Buffer {
  const body = Buffer.alloc(2 + 2 + 4 + 2 + 4 + 1)
  body.writeInt16BE(API_METADATA, 0)
  body.writeInt16BE(METADATA_VERSION, 2)
  body.writeInt32BE(CORRELATION_ID, 4)
  body.writeInt16BE(-1, 8)
  const size = Buffer.alloc(4)
  size.writeInt32BE(body.length)
  return Buffer.concat([size, body])
}

/** Sends one request and reads one size-prefixed response; undefined if none comes. */
function ask(port: number, request: Buffer, withinMs: number): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: HOST, port })
    let received = Buffer.alloc(0)
    const end = (answer?: Buffer) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(withinMs, () => end())
    socket.once('error', () => end())
    socket.once('close', () => end())
    socket.once('connect', () => socket.write(request))
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      if (received.length > ANSWER_BYTES_MAX) return end()
      if (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) end(received.subarray(4))
    })
  })
}
