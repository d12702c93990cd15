/**
 * How a Kafka broker is fetched from Maven Central, how its log folder is formatted, and how it is started. Ports,
 * listeners and cluster sizes are in its properties file.
 */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { type Download, fetchDownload } from '../downloads/maven.ts'
import type { Launch, StackOptions } from '../options.ts'
import { runCommand } from '../processes/command.ts'

/** The Java executable and the folder of Kafka's jars. */
export type KafkaRuntime = { java: string; jars: string }

const VERSION = '4.4.0'
const STOP_WITHIN_MS = 15_000

const DOWNLOAD: Download = {
  name: `kafka-${VERSION}`,
  what: `Apache Kafka ${VERSION}`,
  megabytes: 43,
  artifacts: [`org.apache.kafka:kafka_2.13:${VERSION}`, 'org.slf4j:slf4j-simple:1.7.36'],
}

/** The folder of Kafka's jars, downloaded first if it is missing. */
export function fetchKafka(options: StackOptions): Promise<string> {
  return fetchDownload(DOWNLOAD, options)
}

/**
 * Starts a broker with the properties file, a path relative to its working directory. Time to ready on 2 idle cores:
 * 2.3 s by default, 2.1 s with the serial collector. A class archive would save 0.7 s and cost 2 s once. C1 alone would
 * save 0.2 s and lose the optimising compiler.
 */
export function brokerLaunch({ java, jars }: KafkaRuntime, properties: string, heapMegabytes: number): Launch {
  return {
    command: java,
    args: [
      `-Xmx${heapMegabytes}m`,
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

export type Formatting = {
  /** The working directory; the paths of the properties file are relative to it. */
  cwd: string
  properties: string
  /** More arguments of the storage tool: `--standalone`, `--add-scram`. */
  args: readonly string[]
  logFile: string
  hint: string
}

/** Formats the log folder that the properties file names, by Kafka's storage tool. */
export async function formatLog(
  { java, jars }: KafkaRuntime,
  { cwd, properties, args, logFile, hint }: Formatting,
  options: Pick<StackOptions, 'env' | 'signal'>,
): Promise<void> {
  // One argument with its name: an id that begins with a dash would be taken for an option.
  const id = `--cluster-id=${clusterId()}`
  const tool = ['-cp', join(jars, '*'), 'kafka.tools.StorageTool', 'format', id, ...args, '-c', properties]
  const flags = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', ...loggingFlags()]
  const what = "formatting Kafka's log folder"
  await runCommand({ command: java, args: [...flags, ...tool], cwd, logFile, what, hint }, options)
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
