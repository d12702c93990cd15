/**
 * The guard of one server: a small process between the stack's starter and the server, which is its direct child. While
 * the guard is bound to its starter (an IPC channel), it ends the server when the starter ends. That works even after
 * kill -9, since the kernel closes the channel. On the message `release`, it closes the channel and runs until the
 * server ends. SIGTERM to the guard ends the server, then the guard.
 */
import { spawn } from 'node:child_process'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { systemClock } from '#shared/clock.ts'
import { messageOf } from '#shared/errors.ts'
import type { GuardReport, GuardSpec } from './guarded.ts'
import { identify } from './identity.ts'

/** The starter passes the specification as one argument, in JSON. */
const spec = JSON.parse(process.argv[2] ?? '') as GuardSpec
let released = false
let stopping = false

const server = spawn(spec.command, spec.args, {
  cwd: spec.cwd,
  stdio: ['ignore', 'inherit', 'inherit'],
})

server.once('spawn', () => void started())
server.once('error', (error) => finish({ kind: 'failed', message: messageOf(error) }))
server.once('exit', (code, signal) => finish({ kind: 'exited', code, signal }))
process.on('message', (message) => {
  if (message !== 'release') return
  released = true
  process.disconnect()
})
process.on('disconnect', () => {
  if (!released) void stop()
})
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void stop())

/**
 * The pid file is written here, not by the starter: a starter that dies now must not leave an unknown server running.
 */
async function started(): Promise<void> {
  const [guardIdentity, serverIdentity] = await Promise.all([identify(process.pid), identify(server.pid ?? 0)])
  if (spec.pidFile !== undefined && serverIdentity !== undefined) {
    writeFileSync(`${spec.pidFile}.new`, JSON.stringify({ v: 1, guard: guardIdentity, server: serverIdentity }))
    renameSync(`${spec.pidFile}.new`, spec.pidFile)
  }
  report({ kind: 'started', pid: server.pid ?? 0 })
}

async function stop(): Promise<void> {
  if (stopping) return
  stopping = true
  server.kill('SIGCONT')
  server.kill('SIGTERM')
  await systemClock.sleep(spec.stopWithinMs)
  server.kill('SIGKILL')
}

function finish(last: GuardReport): void {
  if (spec.pidFile !== undefined) rmSync(spec.pidFile, { force: true })
  report(last, () => process.exit(0))
  if (!process.connected) process.exit(0)
}

function report(message: GuardReport, sent: () => void = () => {}): void {
  if (process.connected && process.send) process.send(message, undefined, undefined, () => sent())
}
