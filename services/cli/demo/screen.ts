/** The demo's progress: steps and bars on a terminal, plain lines elsewhere. Everything goes to standard error. */

import { MultiBar, Presets, type SingleBar } from 'cli-progress'
import { environment } from '#shared/config/config.ts'
import { shownText } from '#shared/shown.ts'
import { hasColours } from '../output.ts'

export type Screen = {
  step(text: string): void
  line(text: string): void
  /** Shows progress; on a terminal as a bar, elsewhere as a line when it changes noticeably. */
  progress(name: string, value: number, total: number): void
  /** Ends the bars, so that lines can follow. */
  settle(): void
  close(): void
}

const NAME_WIDTH = 26
/** Plain lines: one each time this share of the total has been added. */
const LINE_EVERY_SHARE = 0.25

export function createScreen(stream: NodeJS.WriteStream): Screen {
  return stream.isTTY === true ? terminalScreen(stream) : plainScreen(stream)
}

function terminalScreen(stream: NodeJS.WriteStream): Screen {
  let bars: MultiBar | null = null
  const known = new Map<string, SingleBar>()
  const settle = () => {
    bars?.stop()
    bars = null
    known.clear()
  }
  const write = (text: string) => {
    settle()
    stream.write(`${text}\n`)
  }
  const colours = hasColours(stream, environment)
  return {
    step: (text) => write(colours ? `\u001b[1m▸ ${shownText(text)}\u001b[0m` : `▸ ${shownText(text)}`),
    line: (text) => write(`  ${shownText(text)}`),
    progress(name, value, total) {
      bars ??= new MultiBar(
        { format: '  {name} {bar} {value}/{total}', stream, hideCursor: true, clearOnComplete: false },
        Presets.shades_classic,
      )
      const bar = known.get(name) ?? bars.create(total, 0, { name: name.padEnd(NAME_WIDTH) })
      known.set(name, bar)
      bar.update(Math.min(value, total))
    },
    settle,
    close: settle,
  }
}

function plainScreen(stream: NodeJS.WriteStream): Screen {
  const shown = new Map<string, number>()
  return {
    step: (text) => void stream.write(`▸ ${shownText(text)}\n`),
    line: (text) => void stream.write(`  ${shownText(text)}\n`),
    progress(name, value, total) {
      const last = shown.get(name) ?? -1
      if (value === last || (value < total && value - Math.max(0, last) < total * LINE_EVERY_SHARE)) return
      shown.set(name, value)
      stream.write(`  ${name.padEnd(NAME_WIDTH)} ${value} of ${total}\n`)
    },
    settle() {},
    close() {},
  }
}
