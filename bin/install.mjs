// Makes a fresh clone ready: installs the locked packages when they are missing or when the lock file has changed since.
// Runs on the machine's own Node (20 or newer), before Node 24 from node_modules/.bin takes over; prints nothing when all is there.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const stamp = join(root, 'node_modules', '.headrace-installed')
const lock = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex')

if (Number(process.versions.node.split('.')[0]) < 20) {
  console.error(
    `headrace: Node ${process.versions.node} is too old to install with.\n  hint: install Node 20 or newer; Node 24 then comes with the packages.`,
  )
  process.exit(2)
}

const installed = existsSync(stamp) && readFileSync(stamp, 'utf8') === lock && existsSync(join(root, 'node_modules', '.bin', 'node'))
if (!installed) {
  console.error('headrace: installing the locked packages (once, about 330 MB to download) …')
  // `npm ci` keeps to the lock file; install scripts must run, since one of them brings Node 24.
  const npm = spawnSync('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (npm.status !== 0) {
    console.error(
      'headrace: npm could not install the packages (its words are above).\n  hint: check the network and the free disk space (1.5 GB), then run the same command again.',
    )
    process.exit(1)
  }
  writeFileSync(stamp, lock)
}
