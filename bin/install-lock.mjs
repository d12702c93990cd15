// A lock for the installation: a file that its holder touches while it works. It appears with its content in one step (link), and one
// that nobody has touched for a while is of a process that was killed, and is taken over. For processes of one machine.
import { randomUUID } from 'node:crypto'
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const POLL_MS = 200
const TOUCH_EVERY_MS = 1000
const UNTOUCHED_MAX_MS = 15_000
const WAIT_MAX_MS = 15 * 60_000

/** Runs `work` while holding the lock; undefined when another held it for all of WAIT_MAX_MS. */
export async function withInstallLock(path, { onWait }, work) {
  mkdirSync(dirname(path), { recursive: true })
  const id = randomUUID()
  const mine = `${path}.${id}`
  writeFileSync(mine, id)
  try {
    if (!(await acquire(path, mine, onWait))) return undefined
    const touching = setInterval(() => touch(path), TOUCH_EVERY_MS)
    removeRemains(path)
    try {
      return await work()
    } finally {
      clearInterval(touching)
      if (holderOf(path) === id) rmSync(path, { force: true })
    }
  } finally {
    rmSync(mine, { force: true })
  }
}

async function acquire(path, mine, onWait) {
  const end = Date.now() + WAIT_MAX_MS
  for (let told = false; Date.now() < end; await sleep(POLL_MS)) {
    touch(mine)
    if (tryLink(mine, path)) return true
    const holder = holderOf(path)
    if (holder === undefined) continue
    if (isUntouched(path)) takeAway(path, mine, holder)
    else if (!told) {
      told = true
      onWait()
    }
  }
  return false
}

/** Of several that find the same old lock, one moves it away; who moved a new one by mistake puts it back. */
function takeAway(path, mine, holder) {
  const away = `${mine}.old`
  try {
    renameSync(path, away)
    if (readFileSync(away, 'utf8') !== holder) tryLink(away, path)
  } catch {
    // Another was faster.
  }
  rmSync(away, { force: true })
}

/** What killed processes left beside the lock. */
function removeRemains(path) {
  for (const name of readdirSync(dirname(path))) {
    const file = join(dirname(path), name)
    if (name.startsWith(`${basename(path)}.`) && isUntouched(file)) rmSync(file, { force: true })
  }
}

function tryLink(from, to) {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
}

function holderOf(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function isUntouched(path) {
  try {
    return Date.now() - statSync(path).mtimeMs > UNTOUCHED_MAX_MS
  } catch {
    return false
  }
}

function touch(path) {
  try {
    utimesSync(path, new Date(), new Date())
  } catch {
    // Taken over after this machine slept: the new holder's lock is none of ours.
  }
}
