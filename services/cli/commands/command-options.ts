/** What the declarations of commands share: the option `--json`, a repeatable option, and the exit status. */
import { Option } from 'commander'

export const JSON_FLAG = '--json'
export const JSON_HELP = 'print one JSON object instead of text'

/** An option whose value is the list of all that were given. Help shows no default for it. */
export const repeatable = (flags: string, description: string): Option =>
  new Option(flags, description).argParser((value: string, all: string[] = []) => [...all, value])

/** services/cli.ts exits with it at its end: a client's open handle must not keep a finished command alive. */
export function exit(status: number): void {
  process.exitCode = status
}
