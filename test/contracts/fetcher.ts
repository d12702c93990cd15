/**
 * What the fetcher promises of an API, line by line, and the tests that show it: a file for each theme in `fetcher/`. A
 * line names the server's behaviour and what the fetcher does. A test is named by its file and its name as it is
 * written there, so that a test which goes away is noticed.
 */
import { credentials } from './fetcher/credentials.ts'
import { declarations } from './fetcher/declarations.ts'
import { withheldDeletes } from './fetcher/deletes.ts'
import { exportJobs } from './fetcher/export-jobs.ts'
import { keysAndAnswers } from './fetcher/keys-and-answers.ts'
import { network } from './fetcher/network.ts'
import { pagination } from './fetcher/pages.ts'
import { quotas } from './fetcher/quotas.ts'
import { drift, hostile } from './fetcher/records.ts'
import { requests } from './fetcher/requests.ts'
import { retrying } from './fetcher/retries.ts'
import { shownTexts, waits } from './fetcher/texts.ts'
import { incremental, ranges } from './fetcher/watermarks.ts'
import type { Line } from './shown.ts'

export const everyLine: readonly Line[] = [
  ...requests,
  ...network,
  ...waits,
  ...shownTexts,
  ...pagination,
  ...exportJobs,
  ...retrying,
  ...declarations,
  ...quotas,
  ...credentials,
  ...incremental,
  ...ranges,
  ...withheldDeletes,
  ...drift,
  ...hostile,
  ...keysAndAnswers,
]
