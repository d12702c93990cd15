/**
 * The package's request queue polls for pending requests every millisecond while the connection lives (5 % of a core,
 * and a TimeoutNegativeWarning). Pending requests can be sent at two moments only. One is when a response or a timeout
 * frees a slot, which the queue notices anyway. The other is when throttling ends. So a single timer is set for the end
 * of throttling, when something is pending.
 */
import { systemClock } from '../../clock.ts'
import { internal } from './internals.ts'

type RequestQueue = {
  pending: unknown[]
  throttledUntil: number
  throttleCheckTimeoutId: object | null
  checkPendingRequests(): void
  scheduleCheckPendingRequests(): void
}

export function patchRequestQueue(): void {
  const { prototype } = internal<{ prototype: RequestQueue }>('network/requestQueue/index.js')
  prototype.scheduleCheckPendingRequests = function () {
    const waitMs = this.throttledUntil - systemClock.nowMs()
    if (this.throttleCheckTimeoutId !== null || this.pending.length === 0 || waitMs <= 0) return
    const check = {}
    this.throttleCheckTimeoutId = check
    void systemClock.sleep(waitMs).then(() => {
      if (this.throttleCheckTimeoutId !== check) return
      this.throttleCheckTimeoutId = null
      this.checkPendingRequests()
    })
  }
}
