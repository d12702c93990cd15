/**
 * Error codes of brokers newer than the package. Without a name they would all be "unknown", even the one that means:
 * stop.
 */
import { internal } from './internals.ts'

type ErrorCode = { type: string; code: number; retriable: boolean; message: string }

const NEWER: ErrorCode[] = [
  {
    type: 'PRODUCER_FENCED',
    code: 90,
    retriable: false,
    message: 'A newer producer with the same transactional id has taken over',
  },
  { type: 'THROTTLING_QUOTA_EXCEEDED', code: 89, retriable: true, message: 'The throttling quota has been exceeded' },
  { type: 'TRANSACTION_ABORTABLE', code: 120, retriable: false, message: 'The transaction can only be aborted' },
]

export function patchErrors(): void {
  internal<{ errorCodes: ErrorCode[] }>('protocol/error.js').errorCodes.push(...NEWER)
}
