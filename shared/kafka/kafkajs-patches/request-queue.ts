/**
 * The package's request queue looks for pending requests every millisecond for as long as the connection lives (5 % of
 * a core, and a TimeoutNegativeWarning). Pending requests can go out at two moments only: when an answer or a timeout
 * frees a place, which the queue sees anyway, and when throttling ends. So one timer is set, for the end of throttling,
 * when something is pending.
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
