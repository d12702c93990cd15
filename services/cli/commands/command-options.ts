/** What the declarations of commands share: the option `--json`, a repeatable option, and the exit status. */

export const JSON_FLAG = '--json'
export const JSON_HELP = 'print one JSON object instead of text'

/** The value of an option that may be given again: all that were given. */
export const collect = (value: string, all: string[]): string[] => [...all, value]

/** services/cli.ts exits with it at its end: a client's open handle must not keep a finished command alive. */
export function exit(status: number): void {
  process.exitCode = status
}
