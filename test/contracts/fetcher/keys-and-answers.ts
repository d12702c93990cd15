/** What the fetcher promises about records without a key, and about answers of which an author's function decides. */
import type { Line } from '../shown.ts'

const RECORD_KEYS = 'scenarios/record-keys.test.ts'
const AUTHOR_VERDICT = 'fetcher/http/layers/author-verdict.unit.test.ts'
const RECORD_FUNCTIONS = 'fetcher/validate/record-functions.unit.test.ts'
const RECORD_KEY = 'fetcher/validate/record-key.unit.test.ts'
const PROPERTY = 'scenarios/property.test.ts'
const RANDOM_APIS = `seeds \${seeds[0]} to \${seeds.at(-1)}`

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
      [PROPERTY, RANDOM_APIS],
    ],
  },
  {
    server: 'gives several records that only undeclared fields tell apart',
    fetcher: 'keeps one row, and warns once in a run with their number',
    shownBy: [
      [RECORD_KEYS, 'records that only undeclared fields tell apart are one row, with one warning that counts them'],
    ],
  },
  {
    server: 'says in the page, its headers or the request what a record belongs to',
    fetcher:
      'gives it to filter, deleted and map where they take it; a replay without the page is refused, not guessed',
    shownBy: [
      [RECORD_FUNCTIONS, 'gets the values of the partition, the body and the headers of the page'],
      [RECORD_FUNCTIONS, 'functions of the record alone are called as they are, and nothing is made for them'],
      [
        'fetcher/dead-letters/revalidate.unit.test.ts',
        'is mapped with the values of its partition; it has no page, and a map that reads one refuses it again',
      ],
    ],
  },
  {
    server: 'says by the body of a response, of whatever status, what it means',
    fetcher:
      'lets a function of the declaration decide: page, empty, skip, stop or retry; a mistake of it is one error',
    shownBy: [
      [AUTHOR_VERDICT, 'a 200 is skipped'],
      [AUTHOR_VERDICT, 'a 404 is a page with its body'],
      [AUTHOR_VERDICT, 'stops before a 200 that is skipped, and the next one begins with it'],
      [AUTHOR_VERDICT, "the stream's list before the source's function"],
      [AUTHOR_VERDICT, 'with deletes takes no page for empty, since that would delete every row'],
    ],
  },
  {
    server: 'states a wait in a header or a body of its own, in another unit or as a duration',
    fetcher: 'waits as long, within its bounds; a value that makes no sense is noted once and the usual headers count',
    shownBy: [
      [AUTHOR_VERDICT, 'parks beyond the bound; a good page with the same header waits for nothing'],
      [AUTHOR_VERDICT, 'that makes no sense is noted once, and the usual headers count'],
      ['fetcher/http/retry-after/stated-wait.unit.test.ts', 'the longest of several wins, whatever else is wrong'],
    ],
  },
]
