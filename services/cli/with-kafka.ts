/** Runs an operator's command on Kafka: connects, passes the client and the names of topics and groups, and closes. */
import { systemClock } from '#shared/clock.ts'
import { environment, readConfig } from '#shared/config/config.ts'
import { connectKafka, type Kafka } from '#shared/kafka/kafka.ts'
import { leastRights } from '#shared/kafka/rights.ts'
import { type Names, namesFor } from '#shared/names.ts'
import { logFor } from './service-process.ts'

export async function withKafka(work: (kafka: Kafka, names: Names) => Promise<number>): Promise<number> {
  const config = readConfig(environment, ['kafka'])
  const kafka = await connectKafka(config.kafka, {
    log: logFor('operator', config),
    clock: systemClock,
    rights: leastRights('operator', config.prefix),
  })
  try {
    return await work(kafka, namesFor(config.prefix))
  } finally {
    await kafka.close()
  }
}
