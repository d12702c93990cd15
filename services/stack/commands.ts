/**
 * `headrace stack up | down | status`, for a person (plain lines) or a program (`--json`). Progress goes to standard
 * error, the result to standard output. Each returns the exit status; errors are thrown, and services/cli.ts prints
 * them.
 */
import { withoutControls } from '#shared/shown.ts'
import { type Stack, type StackOptions, type StackStatus, stackDown, stackStatus, stackUp } from './stack.ts'

export type StackCommandOptions = Omit<StackOptions, 'owned' | 'onProgress'> & { json: boolean }

/** The servers keep running when this process exits. */
export async function runStackUp(options: StackCommandOptions): Promise<0> {
  const stack = await stackUp({
    ...options,
    owned: false,
    onProgress: (line) => process.stderr.write(`${withoutControls(line)}\n`),
  })
  print(
    options.json
      ? JSON.stringify({ dir: stack.dir, alreadyUp: stack.alreadyUp, ...stack.addresses })
      : describeUp(stack),
  )
  return 0
}

export async function runStackDown(options: StackCommandOptions): Promise<0> {
  const ended = await stackDown(options)
  print(
    options.json
      ? JSON.stringify({ ended })
      : ended.length === 0
        ? 'The stack was not running.'
        : `Stopped ${ended.join(', ')}. The data stays.`,
  )
  return 0
}

/** 0 if all servers respond, 1 otherwise, for scripts. */
export async function runStackStatus(options: StackCommandOptions): Promise<0 | 1> {
  const status = await stackStatus(options)
  print(options.json ? JSON.stringify(status) : describeStatus(status))
  return status.state === 'up' ? 0 : 1
}

function describeUp({ dir, alreadyUp, addresses }: Stack): string {
  return `${alreadyUp ? 'The stack is already running' : 'The stack is running'} in ${dir}
  Kafka            ${addresses.kafka.brokers}
  schema registry  ${addresses.registry.url}
  ClickHouse       ${addresses.clickhouse.url}`
}

function describeStatus({ dir, state, servers }: StackStatus): string {
  const lines = servers.map(({ name, state, address, pid, log }) => {
    const where = address === undefined ? `log ${log}` : `${address}  process ${pid}`
    return `  ${name.padEnd(10)}  ${state.padEnd(13)}  ${where}`
  })
  return [`The stack in ${dir} is ${state}.`, ...lines].join('\n')
}

function print(text: string): void {
  process.stdout.write(`${withoutControls(text)}\n`)
}
