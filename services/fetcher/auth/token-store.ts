/**
 * Refresh tokens in a folder: for each key a folder of mode 0700 with one file of mode 0600. A value that was written outlives a crash at any
 * moment (temporary file, fsync, rename, fsync of the folder). The values are in plain text: who can read the files can use the tokens.
 */
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../../shared/clock.ts'
import type { TokenStore } from '../../../shared/declare/token-store.ts'
import { lockFile } from './file-lock.ts'

const FILE = 'token.json'
const UNFINISHED = '.new'

export function fileTokenStore(dir: string, clock: Clock): TokenStore {
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
      for (const name of await readdir(folder)) if (name.endsWith(UNFINISHED)) await rm(join(folder, name), { force: true })
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

async function withOpen(path: string, flags: string, work: (handle: Awaited<ReturnType<typeof open>>) => Promise<void>): Promise<void> {
  const handle = await open(path, flags, 0o600)
  try {
    await work(handle)
  } finally {
    await handle.close()
  }
}
