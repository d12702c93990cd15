/**
 * The client package with its faults cured; nothing else imports it. Each cure is one file beside this one and says what goes wrong
 * without it. The order matters: modules are replaced before the package's own modules bind to them.
 */
import type * as Kafkajs from 'kafkajs'
import { cureConnection } from './connection.ts'
import { cureGroup } from './consumer-group.ts'
import { cureCoordinator } from './coordinator.ts'
import { cureDecode } from './decode.ts'
import { cureErrors } from './errors.ts'
import { cureFetched } from './fetched-batch.ts'
import { cureGrouping } from './group-messages.ts'
import { loadPackage } from './internals.ts'
import { cureProduce } from './produce.ts'
import { cureReceive } from './receive-buffer.ts'
import { cureRequest } from './request.ts'
import { cureRequestQueue } from './request-queue.ts'
import { cureRetry } from './retry.ts'

cureRetry()
cureErrors()
cureRequest()
cureConnection()
cureCoordinator()
cureReceive()
cureRequestQueue()
cureGrouping()
cureProduce()
cureDecode()
cureFetched()
cureGroup()

const kafkajs = loadPackage<typeof Kafkajs>()

export const { AssignerProtocol, CompressionTypes, Kafka, KafkaJSNonRetriableError, logLevel } = kafkajs
