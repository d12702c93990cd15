/**
 * Refresh tokens in a folder: for each key a folder of mode 0700 with one file of mode 0600. A written value survives a
 * crash at any moment (temporary file, fsync, rename, fsync of the folder). The values are plain text: anyone who can
 * read the files can use the tokens.
 */
import { readdirSync, statSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '#shared/clock.ts'
import type { TokenStore } from '#shared/declaration/token-store.ts'
import { lockFile } from './file-lock.ts'

const FILE = 'token.json'
const UNFINISHED = '.new'

export function fileTokenStore(dir: string, clock: Clock, onWarning?: (warning: string) => void): TokenStore {
  for (const warning of opennessOf(dir)) onWarning?.(warning)
  const folderOf = (key: string) => join(dir, key)

  async function madeFolder(key: string): Promise<string> {
    await mkdir(dir, { recursive: true, mode: 0o700 })
    const folder = folderOf(key)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await withOpen(folder, 'r', (handle) => handle.chmod(0o700))
    return folder
  }

  return {
    async read(key) {
      try {
        return await readFile(join(folderOf(key), FILE), 'utf8')
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
        throw error
      }
    },
    async write(key, value) {
      const folder = await madeFolder(key)
      for (const name of await readdir(folder))
        if (name.endsWith(UNFINISHED)) await rm(join(folder, name), { force: true })
      const unfinished = join(folder, `${process.pid}-${clock.random()}${UNFINISHED}`)
      try {
        await withOpen(unfinished, 'wx', async (handle) => {
          await handle.writeFile(value)
          await handle.sync()
        })
        await rename(unfinished, join(folder, FILE))
      } finally {
        await rm(unfinished, { force: true })
      }
      await withOpen(folder, 'r', (handle) => handle.sync())
    },
    lock: async (key, signal) => lockFile(join(await madeFolder(key), 'lock'), clock, signal),
  }
}

const OTHERS = 0o077

/** What other users may enter, read or replace: the tokens in it are as good as published. */
function opennessOf(dir: string): string[] {
  const modeOf = (path: string): number => {
    try {
      return statSync(path).mode & 0o777
    } catch {
      return 0
    }
  }
  const open = (path: string, mode: string, what: string): string[] =>
    (modeOf(path) & OTHERS) === 0
      ? []
      : [
          `${path} has mode ${modeOf(path).toString(8).padStart(4, '0')}: ` +
            `others on this machine may ${what} refresh tokens; chmod ${mode} ${path}`,
        ]
  const folders = open(dir, '700', 'read or replace')
  const files = namesIn(dir).flatMap((key) => open(join(dir, key, FILE), '600', 'read'))
  return [...folders, ...files].slice(0, WARNINGS_MAX)
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir)
  } catch {
    return []
  }
}
const WARNINGS_MAX = 10

async function withOpen(
  path: string,
  flags: string,
  work: (handle: Awaited<ReturnType<typeof open>>) => Promise<void>,
): Promise<void> {
  const handle = await open(path, flags, 0o600)
  try {
    await work(handle)
  } finally {
    await handle.close()
  }
}
