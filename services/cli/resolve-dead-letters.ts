/** `headrace dead-letters replay | drop`. */

import { systemClock } from '#shared/clock.ts'
import { environment, readConfig, readOptions } from '#shared/config/config.ts'
import type { Stream } from '#shared/declaration/compile.ts'
import { chooseStreams, readSources } from '#shared/declaration/load-sources.ts'
import { Stopped, WrongUse } from '#shared/errors.ts'
import { type LettersReplayed, replayLetters } from '../fetcher/dead-letters/replay.ts'
import { dropLetters } from '../operator/dead-letters/drop.ts'
import { type FilterOptions, filterOf, wholeNumber } from './dead-letters.ts'
import { openTerminal } from './init/terminal.ts'
import { asJson, outputWidth, print } from './output.ts'
import { interruption, logFor } from './service-process.ts'
import { sourceDirs } from './source-dirs.ts'
import { counted, table } from './table-output.ts'
import { withKafka } from './with-kafka.ts'

export type ReplayLettersCommandOptions = FilterOptions & {
  sources: string[]
  limit?: string
  dryRun?: boolean
  force?: boolean
  json?: boolean
}

export async function replayLettersCommand(label: string, options: ReplayLettersCommandOptions): Promise<number> {
  const filter = filterOf(options)
  const limit = options.limit === undefined ? Number.POSITIVE_INFINITY : wholeNumber('--limit', options.limit)
  const dryRun = options.dryRun === true
  const config = readConfig(environment, dryRun ? ['kafka'] : ['kafka', 'registry'])
  const dirs = sourceDirs(readOptions(environment), options.sources)
  const [stream] = chooseStreams(await readSources(dirs), [label]) as [Stream]
  const interrupted = interruption(
    new Stopped('HR_INTERRUPTED', 'replay interrupted; run the command again to resume it'),
  )
  try {
    const replayed = await replayLetters({
      ...{ stream, filter, limit, dryRun, config, clock: systemClock, signal: interrupted.signal },
      force: options.force === true,
      log: logFor('letters', config),
    })
    print(options.json === true ? asJson(replayed) : describeReplayed(replayed))
    return replayed.partitions.some(({ refused }) => refused > 0) ? 3 : 0
  } finally {
    interrupted.close()
  }
}

export async function dropCommand(
  stream: string,
  options: FilterOptions & { yes?: boolean; json?: boolean },
): Promise<number> {
  const filter = filterOf(options)
  const sure = options.yes === true
  if (!sure && process.stdin.isTTY !== true) {
    throw new WrongUse('HR_DROP_UNSURE', 'drop needs a confirmation, and there is no terminal to ask on', {
      hint: 'add --yes; a dropped dead letter is not replayed again',
    })
  }
  return withKafka(async (kafka, names) => {
    const tools = { kafka, names, clock: systemClock }
    const result = await dropLetters(tools, stream, filter, async ({ letters }) => sure || askFor(letters))
    const { letters, dropped, more } = result
    const words = dropped
      ? `${counted(letters, 'dead letter')} dropped`
      : letters === 0
        ? 'no open dead letter matches'
        : 'nothing was dropped'
    print(options.json === true ? asJson(result) : `${stream}: ${words}${more ? '; there are more' : ''}`)
    return 0
  })
}

async function askFor(letters: number): Promise<boolean> {
  const terminal = openTerminal(process.stdin, process.stderr)
  try {
    return (await terminal.ask(`drop ${counted(letters, 'dead letter')}? yes or no`, 'no')) === 'yes'
  } finally {
    terminal.close()
  }
}

const HEAD = ['p', 'published', 'skipped', 'rejected again', 'replayed too often', 'not a record']

function describeReplayed({ stream, run, dryRun, partitions }: LettersReplayed): string {
  const rows = partitions.map((each) => [
    each.partition,
    each.published,
    each.leftOut,
    [each.refused, ...Object.entries(each.reasons).map(([reason, count]) => `${count} ${reason}`)].join('\n'),
    each.parked,
    each.unreadable,
  ])
  const words = dryRun
    ? `${stream}: what a replay would do (dry run: nothing was changed)`
    : `${stream}: replayed as run ${run}`
  const hints = [
    ...(partitions.some(({ more }) => more) ? ['more are open: run the command again'] : []),
    ...(partitions.some(({ parked }) => parked > 0)
      ? ['not replayed: dead letters that were replayed too often; --force includes them']
      : []),
    ...(partitions.some(({ unreadable }) => unreadable > 0)
      ? ['not replayed: dead letters that are not records; they stay open']
      : []),
  ]
  return [words, table(rows, HEAD, outputWidth()), ...hints].join('\n')
}
