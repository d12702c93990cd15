/**
 * The client package with its faults patched; nothing else imports it. Each patch is one file in this folder and says
 * what goes wrong without it. The order matters: modules are replaced before the package's own modules bind to them.
 */
import type * as Kafkajs from 'kafkajs'
import { patchAccess } from './access.ts'
import { patchAuthentication } from './authentication.ts'
import { patchConnection } from './connection.ts'
import { patchGroup } from './consumer-group.ts'
import { patchCoordinator } from './coordinator.ts'
import { patchDecode } from './decode.ts'
import { patchErrors } from './errors.ts'
import { patchFetchedBatch } from './fetched-batch.ts'
import { patchGroupMessages } from './group-messages.ts'
import { loadPackage } from './internals.ts'
import { patchMembership } from './lasting-membership.ts'
import { patchMetadata } from './metadata.ts'
import { patchProduce } from './produce.ts'
import { patchReceive } from './receive-buffer.ts'
import { patchRequest } from './request.ts'
import { patchRequestQueue } from './request-queue.ts'
import { patchRetry } from './retry.ts'
import { patchConnectionPools } from './shared-connections.ts'
import { patchTransactions } from './transactions.ts'

patchRetry()
patchErrors()
patchRequest()
patchConnection()
patchConnectionPools()
patchMetadata()
patchAccess()
patchAuthentication()
patchCoordinator()
patchReceive()
patchRequestQueue()
patchGroupMessages()
patchProduce()
patchDecode()
patchFetchedBatch()
patchMembership()
patchGroup()
patchTransactions()

const kafkajs = loadPackage<typeof Kafkajs>()

export const { AssignerProtocol, CompressionTypes, Kafka, KafkaJSNonRetriableError, logLevel } = kafkajs
