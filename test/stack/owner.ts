/**
 * A process of its own for tests: `owner.ts DIR` starts an owned stack, prints what happens, and stays until it is
 * killed.
 */

import { systemClock } from '#shared/clock.ts'
import { silentLog } from '#shared/log.ts'
import { stackUp } from '../../services/stack/stack.ts'

const [dir = ''] = process.argv.slice(2)
await stackUp({ dir, log: silentLog, clock: systemClock, env: process.env, owned: true, onProgress: console.log })
console.log('up')
setInterval(() => {}, 1000)
