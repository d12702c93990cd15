/**
 * The output of the commands. A command's result goes to standard output, everything else to standard error. A reader
 * that closes its pipe early (`| head`) ends the writing, not the command, whose exit status stays.
 */
import { type Environment, environment } from '#shared/config/config.ts'
import { explain } from '#shared/errors.ts'
import { rendered } from './table-output.ts'

/** The width for a pipe or a file. */
const WIDTH_DEFAULT = 80
const WIDTH_MIN = 40
const WIDTH_MAX = 1_000

export type Output = Pick<NodeJS.WriteStream, 'isTTY' | 'columns'> & { getColorDepth?(env?: object): number }

/** NO_COLOR (https://no-color.org) wins, then FORCE_COLOR; otherwise a terminal that has colours. */
export function hasColours(output: Output, env: Environment): boolean {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false
  const forced = env.FORCE_COLOR
  if (forced !== undefined) return forced !== '0' && forced !== 'false'
  return output.isTTY === true && env.TERM !== 'dumb' && (output.getColorDepth?.(env) ?? 1) > 1
}

/** Columns of the terminal; elsewhere what COLUMNS says, or 80. */
export function widthOf({ isTTY, columns }: Output, env: Environment): number {
  const said = /^\d{1,4}$/.test(env.COLUMNS ?? '') ? Number(env.COLUMNS) : WIDTH_DEFAULT
  const width = isTTY === true && columns > 0 ? columns : said
  return Math.min(WIDTH_MAX, Math.max(WIDTH_MIN, width))
}

export const outputWidth = (): number => widthOf(process.stdout, environment)

/** Call once, before the first output: without it, a closed pipe is an uncaught error with a stack trace. */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (!isClosedPipe(error)) throw error
    })
  }
}

/**
 * Resolves when the reader has taken all that was written, or has gone. A pipe holds 64 KiB, and an exit before that
 * would cut the rest. As with any program, it waits as long as its reader does; a signal ends it.
 */
export async function untilWritten(streams: readonly Written[] = [process.stdout, process.stderr]): Promise<void> {
  const pending = streams.filter(({ destroyed, writableLength }) => !destroyed && writableLength > 0)
  await Promise.all(pending.map((stream) => new Promise<void>((done) => stream.write('', () => done()))))
}

type Written = Pick<NodeJS.WriteStream, 'destroyed' | 'writableLength'> & {
  write(text: string, done: () => void): unknown
}

/** After an EPIPE the stream is destroyed, and reports that at each later write. */
export const isClosedPipe = ({ code }: NodeJS.ErrnoException): boolean =>
  code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED'

/** Raised when a field of some command's JSON changes its meaning or goes; new fields do not raise it. */
export const JSON_VERSION = 1

/** What a command prints with `--json`: one object, with the version of its shape. */
export const asJson = (result: object): string => JSON.stringify({ v: JSON_VERSION, ...result })

export function print(text: string): void {
  process.stdout.write(`${rendered(text, hasColours(process.stdout, environment))}\n`)
}

/** A message to the person, apart from the result. */
export function say(text: string): void {
  process.stderr.write(`${rendered(text, hasColours(process.stderr, environment))}\n`)
}

/** Foreign lines in a message are indented: they must not look like lines of ours. */
export const sayError = (error: unknown): void => say(`headrace: ${explain(error).replaceAll(/\n(?! {2})/g, '\n    ')}`)
