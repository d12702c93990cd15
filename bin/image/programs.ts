/** Runs the programs of the system that build an image. What one says goes to standard error, as it comes. */
import { spawnSync } from 'node:child_process'

/** The user's fault or the machine's: one line and a hint, no stack trace. */
export class CannotBuild extends Error {
  readonly hint: string
  constructor(message: string, hint: string) {
    super(message)
    this.hint = hint
  }
}

const STEP_MS_MAX = 15 * 60_000
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024

/** `step`: what an error names, if that is not the first argument. */
type Options = { env?: NodeJS.ProcessEnv; quiet?: boolean; step?: string }

/** Its standard output. Throws CannotBuild unless it ends with 0. */
export function run(
  program: string,
  args: readonly string[],
  { env, quiet = false, step = args[0] ?? '' }: Options = {},
): string {
  const { status, signal, error, stdout, stderr } = spawnSync(program, args, {
    env: env ?? process.env,
    encoding: 'utf8',
    maxBuffer: OUTPUT_BYTES_MAX,
    timeout: STEP_MS_MAX,
    stdio: ['ignore', 'pipe', quiet ? 'pipe' : 'inherit'],
  })
  if (status === 0) return stdout
  const how = error?.message ?? (signal === null ? `ended with ${status}` : `was ended by ${signal}`)
  const said = (stderr ?? '').trim().split('\n').slice(-3).join('\n  ')
  throw new CannotBuild(`${program} ${step} ${how}`, said === '' ? 'see what it said above' : said)
}

/** Throws CannotBuild with the command that installs what is missing. */
export function requirePrograms(names: readonly string[]): void {
  const missing = names.filter((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0)
  if (missing.length === 0) return
  throw new CannotBuild(`not on the PATH: ${missing.join(', ')}`, `on Debian: apt-get install ${missing.join(' ')}`)
}
