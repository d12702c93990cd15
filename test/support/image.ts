/**
 * An image that bin/image/ built, run as an orchestrator would: read-only, as its user, as process 1. Nothing of it
 * outlives the test.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { Buildah } from '../../bin/image/buildah.ts'
import { configOf, type ImageConfig, type Start, startIn, unpack } from '../../bin/image/run.ts'
import { type Closes, owned } from './processes.ts'

const COMMAND_MS_MAX = 120_000

export type Ended = { status: number | null; stdout: string; stderr: string }
export type Options = Pick<Start, 'entrypoint' | 'env' | 'mounts'>
export type Process = {
  child: ChildProcess
  ended: Promise<Ended>
  stderr(): string
  /** To process 1 of the image. */
  signal(name: NodeJS.Signals): Promise<void>
}

export type Image = {
  root: string
  config: ImageConfig
  start(closes: Closes, args: readonly string[], options?: Options): Process
  run(closes: Closes, args: readonly string[], options?: Options): Promise<Ended>
  remove(): void
}

export function imageIn(buildah: Buildah, name: string): Image {
  const config = configOf(buildah, name)
  const { root, remove } = unpack(buildah, name)

  function start(closes: Closes, args: readonly string[], options: Options = {}): Process {
    const [program = '', ...rest] = startIn({ root, config, ...options }, args)
    const child = owned(closes, spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'], timeout: COMMAND_MS_MAX }))
    const texts = { stdout: '', stderr: '' }
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        texts[stream] += text
      })
    const ended = once(child, 'close').then(([status]) => ({ status, ...texts }))
    const signal = async (signalName: NodeJS.Signals) => {
      const children = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')
      process.kill(Number(children.trim().split(' ')[0]), signalName)
    }
    return { child, ended, stderr: () => texts.stderr, signal }
  }
  return { root, config, start, run: (closes, args, options) => start(closes, args, options).ended, remove }
}
