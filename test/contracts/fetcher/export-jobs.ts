/** What the fetcher promises of exports that an API makes as jobs. */
import type { Line } from '../shown.ts'

const JOBS = 'fetcher/behaviour/export-jobs.unit.test.ts'
const AUTHORS = 'fetcher/behaviour/export-job-authoring.unit.test.ts'
const WAIT = 'fetcher/pages/export-job/wait-for-job.unit.test.ts'
const NIGHTLY = 'scenarios/export-job.test.ts'

export const exportJobs: readonly Line[] = [
  {
    server: 'exports by jobs that take their time',
    fetcher: 'creates one, waits as the API says, reads its files, and continues with the same job after any restart',
    shownBy: [
      [JOBS, 'is created once, waited for as the API says, and read file by file without credentials'],
      [JOBS, 'is in the log before its status is requested'],
      [JOBS, `that was interrupted while it was waited for continues with the same job, after \${moment} polls`],
      [JOBS, 'that was interrupted between its files continues with the next one, by new URLs'],
      [JOBS, 'of any size are read in chunks, and a run continues behind the last one'],
      [WAIT, 'is asked for when the API says: Retry-After, a date, or the place of answers.waits'],
      [NIGHTLY, 'a nightly export that is killed while it waits has one job, and its rows are in the table'],
    ],
  },
  {
    server: 'fails a job, never ends it, or drops it',
    fetcher: 'creates another one, a bounded number of times, and says why',
    shownBy: [
      [JOBS, 'that failed is replaced within the run, and the reason is logged'],
      [JOBS, 'that fails each time stops the run after jobsMax, and the next run creates another one'],
      [JOBS, 'that is not done at its deadline is given up, and deleted'],
      [JOBS, `gives way to the best watermark: \${name}`],
    ],
  },
  {
    server: 'names its files by signed URLs, which expire',
    fetcher: 'asks for new ones, sends them no credentials, and stores and shows no signature',
    shownBy: [
      [JOBS, 'is requested again once'],
      [JOBS, 'holds no URL of a file in a cursor, a marker, a log or an error'],
      [JOBS, 'may be behind a redirect to a signed URL, if its origin is declared'],
      [JOBS, 'from an origin that is not declared are not requested, and the hint says what to declare'],
      [AUTHORS, 'is recorded as a whole, and walked again without an API, a wait or a secret'],
    ],
  },
]
