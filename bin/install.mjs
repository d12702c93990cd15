// Makes a fresh clone ready: installs the locked packages when they are missing or when the lock file has changed since.
// Runs on the machine's own Node (20 or newer), before Node 24 from node_modules/.bin takes over; prints nothing when all is there.
// Of several at once, one installs and the others wait for it. A failure is two lines: what npm said, and what to do.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withInstallLock } from './install-lock.mjs'
import { explainNpm } from './npm-failure.mjs'

const NODE_MAJOR_MIN = 20
const SAY_EVERY_MS = 30_000
const NPM_WORDS_BYTES_MAX = 64 * 1024

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const modules = join(root, 'node_modules')
const stamp = join(modules, '.headrace-installed')
const node24 = join(modules, '.bin', 'node')

const say = (line) => console.error(`headrace: ${line}`)

function fail(status, message, hint) {
  say(`${message}\n  hint: ${hint}`)
  return status
}

const lockHash = () =>
  createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')

function isInstalled() {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === lockHash() && existsSync(node24)
}

/** Runs `npm ci`, which keeps to the lock file; resolves to how it ended and the end of what it said. */
function npmCi(onChild) {
  // Install scripts must run, whatever npm is told elsewhere: one of them brings Node 24. Without a network, npm's own waits would be 70 s.
  const args = [
    'ci',
    '--include=dev',
    '--ignore-scripts=false',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    '--fetch-retry-mintimeout=1000',
  ]
  return new Promise((resolve) => {
    const npm = spawn('npm', args, { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] })
    let words = ''
    npm.stderr.setEncoding('utf8').on('data', (text) => {
      words = (words + text).slice(-NPM_WORDS_BYTES_MAX)
    })
    npm.on('error', (error) => resolve({ status: null, missing: error.code === 'ENOENT', words: error.message }))
    npm.on('close', (status, signal) => resolve({ status, signal, words }))
    onChild(npm)
  })
}

async function install() {
  const hash = lockHash()
  say('installing the locked packages (once, about 330 MB to download) …')
  const started = Date.now()
  const still = setInterval(
    () => say(`still installing, ${Math.round((Date.now() - started) / 1000)} s …`),
    SAY_EVERY_MS,
  )
  let stopped = false
  let npm = null
  // Before npm starts: a signal right after that would end this process and leave npm running.
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(name, () => {
      stopped = true
      npm?.kill(name)
    })
  }
  const { status, signal, missing, words } = await npmCi((child) => {
    npm = child
  })
  clearInterval(still)
  if (missing)
    return fail(1, 'npm is not on the PATH.', 'install npm (it comes with Node), then run the same command again.')
  if (stopped || signal) return fail(1, 'the installation was stopped.', 'run the same command again: it starts anew.')
  if (status !== 0) {
    const { reason, hint } = explainNpm(words)
    return fail(1, `npm could not install the packages: ${reason}`, hint)
  }
  if (!existsSync(node24)) {
    return fail(
      1,
      'npm installed the packages, but not Node 24.',
      "npm's package `node` must have one for this system; see `npm ci --foreground-scripts`.",
    )
  }
  writeFileSync(stamp, hash)
  return 0
}

async function main() {
  const { node } = process.versions
  if (Number(node.split('.')[0]) < NODE_MAJOR_MIN) {
    return fail(
      2,
      `Node ${node} is too old to install with.`,
      `install Node ${NODE_MAJOR_MIN} or newer; Node 24 then comes with the packages.`,
    )
  }
  if (isInstalled()) return 0
  const lock = join(root, '.headrace', 'install.lock')
  const result = await withInstallLock(
    lock,
    { onWait: () => say('another process is installing the packages; waiting for it …') },
    () => (isInstalled() ? 0 : install()),
  )
  return (
    result ??
    fail(
      1,
      `another process has been installing for too long.`,
      `end it, or remove ${lock}, then run the same command again.`,
    )
  )
}

process.exitCode = await main().catch(({ message }) =>
  fail(1, message, 'let this user read and write in this folder, then run the same command again.'),
)
