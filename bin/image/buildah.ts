/**
 * buildah with all that it stores below one folder, for machines without a Docker engine: isolation by chroot and the
 * storage driver that needs nothing of the kernel.
 */
import { join } from 'node:path'
import { run } from './programs.ts'

export type Buildah = {
  run(command: string, ...args: string[]): string
  /** Builds `context` with arguments of `buildah build`. */
  build(context: string, ...args: string[]): void
  has(image: string): boolean
}

/** Only images that are there: nothing is looked for in a registry. */
const BUILD = ['--isolation', 'chroot', '--network', 'host', '--format', 'docker', '--pull-never', '--quiet']

export function buildahIn(dir: string): Buildah {
  const storage = ['--root', join(dir, 'storage'), '--runroot', join(dir, 'run'), '--storage-driver', 'vfs']
  const env = { ...process.env, TMPDIR: dir, BUILDAH_ISOLATION: 'chroot' }
  const buildah = (args: readonly string[], quiet: boolean) =>
    run('buildah', [...storage, ...args], { env, quiet, step: args[0] ?? '' })
  return {
    run: (command, ...args) => buildah([command, ...args], true),
    build: (context, ...args) => {
      buildah(['build', ...BUILD, ...args, context], false)
    },
    has: (image) => buildah(['images', '--format', '{{.Name}}:{{.Tag}}'], true).split('\n').includes(image),
  }
}
