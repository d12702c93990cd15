/** `headrace status` and `headrace release`. */
import { systemClock } from '#shared/clock.ts'
import { VERSION } from '#shared/version.ts'
import { releasePauses } from '../operator/release.ts'
import { type Need, needsOf, needText } from '../operator/status/needs.ts'
import { type StreamStatus, statusOf } from '../operator/status/status.ts'
import { asJson, outputWidth, print } from './output.ts'
import { describeStatus } from './status-layout.ts'
import { counted } from './table-output.ts'
import { withKafka } from './with-kafka.ts'

/** `check`: one line for each thing that needs a person; returns 1 if there is one. */
export async function statusCommand(
  labels: readonly string[],
  options: { json?: boolean; check?: boolean; wide?: boolean },
): Promise<number> {
  return withKafka(async (kafka, names) => {
    const nowMs = systemClock.nowMs()
    const streams = await statusOf(kafka, names, labels, nowMs)
    const needs = needsOf(streams, nowMs)
    if (options.json === true) print(asJson({ version: VERSION, streams, needs }))
    else
      print(
        options.check === true
          ? describeCheck(streams, needs)
          : describeStatus(streams, needs, options.wide === true ? null : outputWidth()),
      )
    return options.check === true && needs.length > 0 ? 1 : 0
  })
}

/** `headrace release`: the API may be called before the time that it named. */
export async function releaseCommand(name: string, options: { json?: boolean }): Promise<number> {
  return withKafka(async (kafka, names) => {
    const released = await releasePauses(kafka, names, name, systemClock.nowMs())
    if (options.json === true) print(asJson({ released }))
    else if (released.length === 0) print(`No partition of ${name} is parked.`)
    else
      for (const { stream, partition, parkedUntil } of released)
        print(`${stream}/${partition}: released, was parked until ${parkedUntil}; a running fetcher resumes soon`)
    return 0
  })
}

function describeCheck(streams: readonly StreamStatus[], needs: readonly Need[]): string {
  if (needs.length > 0) return needs.map(needText).join('\n')
  return `Nothing needs attention: ${counted(streams.length, 'stream')}.`
}
