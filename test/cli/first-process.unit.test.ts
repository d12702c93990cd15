import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { describe, test } from 'node:test'
import { endOnSignals } from '../../services/cli/first-process.ts'

/** A process without one. */
function processOf(pid: number) {
  const ended: number[] = []
  const target = Object.assign(new EventEmitter(), { pid, exit: (status: number) => void ended.push(status) })
  endOnSignals(target as unknown as Parameters<typeof endOnSignals>[0])
  return { target, ended }
}

describe('process 1 of a container', () => {
  test('ends by a signal that nothing else handles, as a shell reports it', () => {
    for (const [signal, status] of [
      ['SIGTERM', 143],
      ['SIGINT', 130],
      ['SIGHUP', 129],
    ] as const) {
      const { target, ended } = processOf(1)
      target.emit(signal)
      assert.deepEqual(ended, [status])
    }
  })

  test('leaves a signal to the service that handles it, also once', () => {
    const { target, ended } = processOf(1)
    let handled = 0
    target.once('SIGTERM', () => handled++)
    target.emit('SIGTERM')
    assert.deepEqual([handled, ended], [1, []])
    target.emit('SIGTERM')
    assert.deepEqual(ended, [143])
  })

  test('is the only one: any other process ends by default', () => {
    const { target } = processOf(7)
    assert.equal(target.listenerCount('SIGTERM'), 0)
  })
})
