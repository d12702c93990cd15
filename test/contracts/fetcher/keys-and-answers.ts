/** What the fetcher promises about records without a key, and about answers that an author judges. */
import type { Line } from '../shown.ts'

const RECORD_KEYS = 'scenarios/record-keys.test.ts'
const RECORD_KEY = 'fetcher/validate/record-key.unit.test.ts'

export const keysAndAnswers: readonly Line[] = [
  {
    server: 'gives records that no field of theirs identifies',
    fetcher: 'makes a hash of their declared fields their key, and keeps one row of each, whatever is interrupted',
    shownBy: [
      [
        RECORD_KEYS,
        'each record of each slice is one row, after a failed run, unchanged records, a replay and an additive field',
      ],
      [RECORD_KEY, 'whose fields are in another order'],
      [RECORD_KEY, 'before and after an optional field is declared that they do not have'],
      [RECORD_KEY, 'of few fields'],
    ],
  },
  {
    server: 'gives several records that only undeclared fields tell apart',
    fetcher: 'keeps one row, and warns once in a run with their number',
    shownBy: [
      [RECORD_KEYS, 'records that only undeclared fields tell apart are one row, with one warning that counts them'],
    ],
  },
]
