/**
 * The stack's Apache Kafka: one broker that is its own controller (KRaft). Topics are created only explicitly, never by
 * a stray read. The log folder is formatted once, elsewhere, and moved into place: an interrupted start leaves no
 * half-formatted log.
 */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Java } from '../downloads/java.ts'
import { exists } from '../files.ts'
import { HOST } from '../free-ports.ts'
import { type Launch, type Ports, pathsOf, type StackOptions } from '../options.ts'
import { brokerLaunch, fetchKafka, formatLog, type KafkaRuntime } from './kafka-broker.ts'
import { listedBrokers } from './kafka-ready.ts'

const HEAP_MEGABYTES = 512

/** Downloads, formats and configures; returns how to start the broker. */
export async function prepareKafka(options: StackOptions, ports: Ports, javas: readonly Java[]): Promise<Launch> {
  const runtime: KafkaRuntime = { java: javas[0]!.executable, jars: await fetchKafka(options) }
  const properties = join('run', 'server.properties')
  await writeFile(join(pathsOf(options).dir, properties), propertiesOf('data/kafka', ports))
  await format(runtime, options, ports)
  return brokerLaunch(runtime, properties, HEAP_MEGABYTES)
}

/** The broker is ready when it lists itself: then it is no longer fenced. */
export async function isKafkaReady(port: number, withinMs: number): Promise<boolean> {
  return (await listedBrokers(port, withinMs)).length > 0
}

async function format(runtime: KafkaRuntime, options: StackOptions, ports: Ports): Promise<void> {
  const paths = pathsOf(options)
  if (await exists(join(paths.data('kafka'), 'meta.properties'))) return
  const temporary = `${paths.data('kafka')}.new`
  await rm(temporary, { recursive: true, force: true })
  await mkdir(dirname(temporary), { recursive: true })
  const properties = join('run', 'format.properties')
  await writeFile(join(paths.dir, properties), propertiesOf('data/kafka.new', ports))
  const hint = `remove ${paths.data('kafka')} and start again`
  const formatting = { cwd: paths.dir, properties, args: ['--standalone'], logFile: paths.log('kafka'), hint }
  await formatLog(runtime, formatting, options)
  await rename(temporary, paths.data('kafka'))
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
