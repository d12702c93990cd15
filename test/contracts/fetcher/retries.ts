/** What the fetcher promises when requests fail or answers cannot be read. */
import type { Line } from '../shown.ts'

const CHUNKED = 'fetcher/behaviour/chunked-files.unit.test.ts'
const DECODERS = 'fetcher/behaviour/decoders.unit.test.ts'
const OPEN_FILE = 'fetcher/http/decode/open-file.unit.test.ts'
const XML = 'fetcher/http/decode/xml.unit.test.ts'
const PROPERTY = 'scenarios/property.test.ts'
const RANDOM_APIS = `seeds \${seeds[0]} to \${seeds.at(-1)}`
const SCENARIO_DECODERS = 'scenarios/decoders.test.ts'
const FAILED_PAGES = 'fetcher/behaviour/failed-pages.unit.test.ts'
const PAUSES = 'fetcher/behaviour/requested-pauses.unit.test.ts'
const DAY = 'scenarios/day.test.ts'

export const retrying: readonly Line[] = [
  {
    server:
      'answers with a file of gigabytes, breaks the transfer in the middle, or gives another file at the next request',
    fetcher:
      'publishes it by chunks of records with a checkpoint each, and continues behind the last record of the same file',
    shownBy: [
      [CHUNKED, `is requested again, and continues behind the last whole record: known \${name}`],
      [CHUNKED, 'is given up after attemptsMax transfers in a row without a further record'],
      [CHUNKED, `is read from its first record: \${name}`],
      [CHUNKED, 'of the same length is known by the records before the place'],
      [CHUNKED, `is a page for each, with a checkpoint of its own: \${name}`],
      [CHUNKED, 'that was interrupted continues at its next record, and at record 0 where the file is another'],
    ],
  },
  {
    server: 'answers with CSV, lines of JSON, XML, lenient JSON or a compressed file of one of these',
    fetcher:
      'decodes it as declared, bounded by bytes; asks again for a cut one and stops before one that is something else',
    shownBy: [
      [DECODERS, 'is asked for again while it may have been cut, and not where it would never be read'],
      [DECODERS, 'is not larger than bodyBytesMax, opened or not'],
      [DECODERS, 'makes a dead letter of a row with other cells than the header'],
      [DECODERS, 'is what Link headers, numbers and answers.failed see'],
      [OPEN_FILE, `a small \${name} file of many bytes ends at bodyBytesMax`],
      [
        SCENARIO_DECODERS,
        'CSV in a gzip file, lines of JSON, XML and lenient JSON arrive with their types; a ragged row is a dead letter',
      ],
      [XML, `with an entity \${name} is refused: none is expanded`],
      [PROPERTY, RANDOM_APIS],
    ],
  },
  {
    server: 'answers 503 twice and then well; or 503 for ever',
    fetcher: 'asks three times; ends after the declared attempts, naming request, attempts and last answer',
    shownBy: [
      [FAILED_PAGES, '503, 503, 200 takes three requests, with 2^n + random() seconds between them'],
      [
        FAILED_PAGES,
        'an endless 503 ends after the declared attempts, and the error names request, attempts and last answer',
      ],
    ],
  },
  {
    server: 'answers 429 with Retry-After as seconds, a date, in the past, negative, no number, an hour',
    fetcher: 'comes back never earlier; beyond the bound it parks the partition and says until when',
    shownBy: [
      [PAUSES, `\${name}: never earlier than asked`],
      [PAUSES, `Retry-After that is \${name} is no hint: 2^n + random() seconds`],
      [PAUSES, 'beyond the bound parks the partition and says until when'],
      [
        'fetcher/schedule/assigned-partitions.test.ts',
        'is parked when the API asks for a longer wait than is slept through',
      ],
      [DAY, 'the API counts no request more than its quota in any window, and none earlier than it asked for'],
    ],
  },
  {
    server: 'counts down in one of the rate headers',
    fetcher: 'knows them all, takes the longest, and reads points in time by the clock of the server',
    shownBy: [
      [PAUSES, `\${name}: never earlier than asked`],
      [PAUSES, 'is also heeded when a good page says that nothing is left'],
      [DAY, 'every way of failing was met'],
    ],
  },
  {
    server: 'answers 429 without a hint',
    fetcher: 'waits 2^n + random() seconds, bounded, and two workers do not wait the same time',
    shownBy: [[PAUSES, 'without a time is 2^n + random() seconds, bounded, and two workers do not wait the same time']],
  },
  {
    server: 'resets in the body, cuts JSON, counts its bytes wrong, sends HTML or too much',
    fetcher: 'says what it was, with an excerpt, and asks for the page again',
    shownBy: [
      [FAILED_PAGES, `\${name} is a transient error with a clear text, and the page is asked for again`],
      [DAY, 'every way of failing was met'],
    ],
  },
  {
    server: 'refuses with 400, 403, 404 or 422',
    fetcher: 'does not ask again, and the other partitions go on',
    shownBy: [
      [FAILED_PAGES, `with \${status} is not asked for again`],
      [
        'contracts/partitions.test.ts',
        `a partition that is refused with \${status} is asked once, and does not stop the others`,
      ],
    ],
  },
  {
    server: 'is waited for when a stop comes',
    fetcher: 'ends the wait at once',
    shownBy: [
      [PAUSES, 'a cancel ends the wait at once, with its own reason'],
      [PAUSES, 'a cancel ends a transfer at once, with its own reason, and is not a failed attempt'],
    ],
  },
]
