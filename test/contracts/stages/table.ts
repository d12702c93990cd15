/** Every stage of the loader, in the order in which a record passes them, with what tests it. */
import { commitBatchRig, deadLetterQueueRig, insertBatchRig, markDeletedRig, pageLedgerRig } from './batch-steps.ts'
import { closeBatchesRig, groupMemberRig, intakeRig } from './reading.ts'
import type { Rig } from './rig.ts'

/** `stage`: its file below services/loader. */
export const STAGES: readonly { stage: string; open(): Promise<Rig> }[] = [
  { stage: 'consume/group-member.ts', open: groupMemberRig },
  { stage: 'consume/intake.ts', open: intakeRig },
  { stage: 'batch/close-batches.ts', open: closeBatchesRig },
  { stage: 'commit/commit-batch.ts', open: commitBatchRig },
  { stage: 'insert/insert-batch.ts', open: insertBatchRig },
  { stage: 'commit/dead-letter-queue.ts', open: deadLetterQueueRig },
  { stage: 'commit/page-ledger.ts', open: pageLedgerRig },
  { stage: 'commit/mark-deleted.ts', open: markDeletedRig },
]

/** What `connectStages` creates besides: no record passes through it. */
export const BESIDE: Readonly<Record<string, string>> = {
  'consume/in-flight-limit.ts': 'the bound that intake holds',
  'failures/stalls.ts': 'what the stages report their waits to',
  'failures/shared-stalls.ts': 'the same, as one of two batches of a topic sees it',
}
