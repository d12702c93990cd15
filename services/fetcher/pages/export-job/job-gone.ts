import { Stopped } from '#shared/errors.ts'

/** The API does not have the job any more, or never had it: the walk starts again with another one. */
export class JobGone extends Stopped {
  constructor(message: string, cause?: unknown) {
    super('HR_JOB_GONE', message, { hint: 'the walk starts again with another job', cause })
  }
}
