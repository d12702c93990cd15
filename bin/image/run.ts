/**
 * A command in an image as an orchestrator would start it: the image's own entry point, user, environment and folder,
 * the root read-only, an empty /tmp, no rights, process 1 of its own namespace, the network of this machine.
 */
import type { Buildah } from './buildah.ts'

/** What an image says of itself, as `buildah inspect` shows it. */
export type ImageConfig = {
  User: string
  Env: readonly string[]
  Entrypoint: readonly string[]
  WorkingDir: string
  Labels: Readonly<Record<string, string>>
  StopSignal: string
  Healthcheck: { Test: readonly string[] }
}

export function configOf(buildah: Buildah, image: string): ImageConfig {
  return JSON.parse(buildah.run('inspect', '--type', 'image', image)).Docker.config
}

/** A folder with the files of the image, until `remove`. */
export function unpack(buildah: Buildah, image: string): { root: string; remove(): void } {
  const container = buildah.run('from', '--pull-never', image).trim()
  const root = buildah.run('mount', container).trim()
  return { root, remove: () => void buildah.run('rm', container) }
}

export type Start = {
  root: string
  config: ImageConfig
  /** Instead of the image's own. */
  entrypoint?: readonly string[]
  env?: Readonly<Record<string, string>>
  /** Folder of this machine → folder of the image, for reading. */
  mounts?: Readonly<Record<string, string>>
}

const MOUNT = `set -e
root=$1; shift
mount --make-rprivate /
mount --bind "$root" "$root"
while [ "$1" != -- ]; do
  mount --bind "$1" "$root$2"; mount -o remount,bind,ro "$root$2"; shift 2
done
shift
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -o remount,bind,ro "$root"
exec chroot "$root" "$@"`

/** Program and arguments of this machine; its child is process 1 of the image. */
export function startIn({ root, config, entrypoint, env = {}, mounts = {} }: Start, args: readonly string[]): string[] {
  const [user = '', group = user] = config.User.split(':')
  const named = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  const rights = ['--reuid', user, '--regid', group, '--clear-groups', '--no-new-privs', '--bounding-set=-all']
  const inside = ['env', '-i', '-C', config.WorkingDir, ...config.Env, ...named]
  const program = [...(entrypoint ?? config.Entrypoint), ...args]
  const binds = Object.entries(mounts).flat()
  const shell = ['sh', '-c', MOUNT, 'sh', root, ...binds, '--', 'setpriv', ...rights, ...inside, ...program]
  return ['unshare', '--mount', '--pid', '--fork', '--kill-child', ...shell]
}
