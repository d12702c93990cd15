/** Questions to a person at a terminal. Ctrl-C and Ctrl-D end them. */
import { createInterface } from 'node:readline/promises'
import { Stopped } from '#shared/errors.ts'
import { withoutControls } from '#shared/shown.ts'
import type { Person } from './answers.ts'

export type Terminal = Person & { close(): void }

export function openTerminal(input: NodeJS.ReadableStream, output: NodeJS.WritableStream): Terminal {
  const left = new AbortController()
  const leave = () => left.abort(new Stopped('HR_INTERRUPTED', 'init interrupted: nothing was written'))
  const lines = createInterface({ input, output }).on('SIGINT', leave).on('close', leave)
  return {
    async ask(question, byDefault) {
      const shown = byDefault === undefined ? `${question}: ` : `${question} [${byDefault}]: `
      try {
        const answer = (await lines.question(shown, { signal: left.signal })).trim()
        return answer === '' && byDefault !== undefined ? byDefault : answer
      } catch (error) {
        left.signal.throwIfAborted()
        throw error
      }
    },
    say: (text) => void output.write(`  ${withoutControls(text)}\n`),
    close: () => lines.close(),
  }
}
