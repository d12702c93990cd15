/**
 * Programs that the comparison installs once, in a cache folder of its own, from pinned versions. A folder is named by
 * the files that pin them, so another version is another folder. What an installation that failed has left is removed.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { environment } from '#shared/config/config.ts'
import { MINUTE_MS } from '#shared/units.ts'
import { ROOT } from '../child.ts'

export type Step = { command: string; args: readonly string[]; cwd?: string }

export const CACHE = join(ROOT, '.headrace', 'cache', 'peers')
const STEP_WITHIN_MS = 10 * MINUTE_MS
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024
const NAME_DIGITS = 12
const REASON_CHARS_MAX = 200

/** The folder. `steps` install into the one that they get. It keeps its path, which environments of Python know. */
export async function installed(
  name: string,
  pinnedBy: readonly string[],
  steps: (dir: string) => Step[],
): Promise<string> {
  const hash = createHash('sha256')
  for (const file of pinnedBy) hash.update(readFileSync(file))
  const dir = join(CACHE, `${name}-${hash.digest('hex').slice(0, NAME_DIGITS)}`)
  const done = join(dir, '.installed')
  if (existsSync(done)) return dir
  await rm(dir, { recursive: true, force: true })
  await mkdir(dir, { recursive: true })
  try {
    for (const { command, args, cwd = ROOT } of steps(dir))
      await promisify(execFile)(command, [...args], {
        ...{ cwd, env: environment, timeout: STEP_WITHIN_MS, maxBuffer: OUTPUT_BYTES_MAX },
      })
    await writeFile(done, '')
    return dir
  } catch (error) {
    await rm(dir, { recursive: true, force: true })
    throw error
  }
}

/** For a line of a report. */
export function reasonOf(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message?: string }
  const last = (stderr ?? '').trim().split('\n').at(-1)
  return (last || message || String(error)).slice(0, REASON_CHARS_MAX)
}
