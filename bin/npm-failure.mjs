// What npm's words on a failure come to: one reason and one hint. npm prints a code, a stack or its usage, and a line that matters.
import { basename } from 'node:path'

const AGAIN = 'then run the same command again.'
const NETWORK =
  /^(E404|E40[137]|E5\d\d|ENOTFOUND|EAI_AGAIN|ECONN\w+|E\w*TIMEDOUT|E\w*TIMEOUT|ERR_SOCKET\w*|EHOSTUNREACH|ENETUNREACH|\w*CERT\w*)$/
const NOISE = /^(code|errno|syscall|path|dest|file) |^ *at |^[{}]|^\s*$|^A complete log/

/** `words`: standard error of npm. */
export function explainNpm(words) {
  const lines = words.split('\n').map((line) => line.replace(/^npm (error|ERR!) ?/, ''))
  const after = (key) => lines.find((line) => line.startsWith(`${key} `))?.slice(key.length + 1)
  const code = after('code') ?? 'unknown'
  const decisive =
    lines.find((line) => /failed, reason: |^Invalid: |^Missing: /.test(line)) ?? lines.find((line) => !NOISE.test(line))
  const reason = /^\d+$/.test(code)
    ? `the install script of ${basename(after('path') ?? 'a package')} failed`
    : (decisive ?? 'it did not say why')
  const log = lines.find((line) => line.startsWith('A complete log'))?.replace(/^.*: /, '')
  // An install script that runs npm itself brings that npm's words along.
  const cause = [...words.matchAll(/\bcode (\w+)/g)].map((match) => match[1]).find((one) => NETWORK.test(one)) ?? code
  return { reason: `${reason.replace(/^(network |nospc |\w*Error: )+/, '')} (${cause})`, hint: hintFor(cause, log) }
}

function hintFor(code, log) {
  if (NETWORK.test(code)) return `check the network, and npm's registry and proxy (npm config list), ${AGAIN}`
  if (code === 'ENOSPC') return `free 1.5 GB on this disk, ${AGAIN}`
  if (/^(EACCES|EPERM|EROFS)$/.test(code)) return `let this user write to this folder and to npm's cache, ${AGAIN}`
  if (code === 'EUSAGE')
    return `take package.json and package-lock.json from the repository again: they must agree, ${AGAIN}`
  if (code === 'EINTEGRITY') return `clear what npm keeps (npm cache clean --force), ${AGAIN}`
  return log === undefined ? `see what \`npm ci\` says, ${AGAIN}` : `npm's whole log is ${log}`
}
