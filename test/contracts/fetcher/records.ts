/** What the fetcher promises of records: changed fields, exact values and data that does harm. */
import type { Line } from '../shown.ts'

const PAGINATION = 'fetcher/behaviour/pagination.unit.test.ts'
const FAILED_PAGES = 'fetcher/behaviour/failed-pages.unit.test.ts'
const JUDGE = 'fetcher/validate/validate.unit.test.ts'
const RAW = 'fetcher/validate/raw-record.unit.test.ts'
const RUN = 'fetcher/run.test.ts'
const CHECK = 'operator/check.test.ts'

export const drift: readonly Line[] = [
  {
    server: 'fails, refuses credentials, or asks to be left alone for a month',
    fetcher:
      'says so in exit status, status, readiness and metrics for as long as it lasts, over restarts; asks earlier only if a person says so',
    shownBy: [
      [CHECK, 'in an API is told by exit status, status, readiness and metrics, also after a restart'],
      [CHECK, 'in one stream before its first request is told, and the other streams run'],
      [CHECK, 'in the secret of one source is told, the others run, and a service goes on by itself'],
      [
        'fetcher/schedule/attempts.unit.test.ts',
        'of a stop, of a zombie and of a backfill say nothing of the schedule; a pause that a backfill met does',
      ],
      [
        CHECK,
        'of a pause that the API asked for is kept over a restart, and a person can end it, also for a running service',
      ],
      [
        'shared/progress/last-attempt.unit.test.ts',
        'keeps a pause until its time, unless a person released this very attempt',
      ],
    ],
  },
  {
    server: 'sends fields that the declaration keeps or drops',
    fetcher: 'names them once for the stream, and ends with 0',
    shownBy: [
      [CHECK, 'that is none: fields that are kept or dropped end with 0 and one info line for the stream'],
      [
        'fetcher/behaviour/reported-fields.test.ts',
        `fields that are named are named once, over partitions and runs of new processes: \${unknownFields}`,
      ],
      [
        'fetcher/validate/drift-report.unit.test.ts',
        'fields that the checkpoint names are not named again after a restart',
      ],
      [
        'fetcher/validate/drift-report.unit.test.ts',
        'fields that are rejected are a warning: their records are dead letters',
      ],
    ],
  },
  {
    server: 'sends a new field, leaves one out, or changes a type',
    fetcher:
      'keeps it and says so once, without its value; says so; makes dead letters, and stops at a page of nothing else',
    shownBy: [
      [
        'fetcher/validate/drift-report.unit.test.ts',
        'fields that the schema does not declare are named in one info line for a run, once, and counted each time',
      ],
      [
        'fetcher/validate/drift-report.unit.test.ts',
        'an optional field that comes no more is said once, after a run that shows it, and again when it has come and gone again',
      ],
      [JUDGE, 'are kept in their places and reported with path and type, without their values'],
      [
        'fetcher/validate/rejection-limit.unit.test.ts',
        'is a whole page that does not fit, and the error says what and how many',
      ],
    ],
  },
  {
    server: 'sends a raw record of another type than the declaration says',
    fetcher: 'makes a dead letter of it before a function of the author gets it, and changes nothing of the others',
    shownBy: [
      [RAW, 'of another type is a dead letter with a reason of its own, and no function of the author gets it'],
      [RAW, 'stays as it is: no default, no conversion, and its unknown fields are drift'],
      [RAW, 'is validated again when its dead letter is replayed, and one that ClickHouse refused is not raw'],
    ],
  },
  {
    server: 'sends integers beyond 2^53, decimals, odd texts, keys twice, deep nesting',
    fetcher: 'keeps them exactly or makes dead letters, and changes nothing',
    shownBy: [
      [
        'fetcher/http/transport/lossless-json.unit.test.ts',
        'keeps every integer of any length exactly, as a number or as its text',
      ],
      ['loader/behaviour/lossy-types.test.ts', 'decimals, 64-bit and 53-bit integers are exact'],
      ['loader/behaviour/lossy-types.test.ts', 'texts, arrays and objects keep every character and element'],
      [JUDGE, 'what is nested too deeply for JSON becomes a dead letter with its whole text'],
    ],
  },
  {
    server: 'sends fields that every object inherits: constructor, toString, __proto__',
    fetcher: 'takes them as any other field, declared, kept or learned; a record without them lacks them',
    shownBy: [
      [
        'fetcher/validate/own-fields.unit.test.ts',
        'a record that lacks an optional one is accepted, and the field counts as absent',
      ],
      ['fetcher/validate/own-fields.unit.test.ts', 'unknown ones are kept as they came, __proto__ too'],
      [
        'fetcher/validate/own-fields.unit.test.ts',
        'adding them as optional fits what is registered, and learning them goes on',
      ],
      [
        'scenarios/learned-columns.test.ts',
        'fields called constructor and toString become columns like any other, and others after them; __proto__ stays in _extra',
      ],
    ],
  },
]

/** What an API can do to its own stream only: equal rejects, bodies that cannot be read, pages that are too much. */
export const hostile: readonly Line[] = [
  {
    server: 'sends a page of a million tiny elements, or of more than memory has room for',
    fetcher: 'refuses it before it is built, or stops as soon as the rejects decide; others have their turn meanwhile',
    shownBy: [
      [
        'fetcher/http/transport/parse-in-slices.test.ts',
        `of too many elements is refused before they are built: \${name}`,
      ],
      [
        'fetcher/validate/validate-page.unit.test.ts',
        `stops its run as soon as the rejects decide, and others have their turn meanwhile: \${name}`,
      ],
      [
        'fetcher/validate/validate-page.unit.test.ts',
        'over the bound is not asked for again, and the error says the bound and how to raise it',
      ],
    ],
  },
  {
    server: 'sends hundreds of thousands of good records in one page',
    fetcher: 'publishes it whole, in slices with a turn of the event loop between them',
    shownBy: [
      [
        'fetcher/validate/validate-page.unit.test.ts',
        'is published whole and in order, in slices with a turn of the event loop between them',
      ],
      ['fetcher/validate/validate-page.unit.test.ts', 'brings what validation of the whole page brings'],
      [
        'fetcher/http/transport/parse-in-slices.test.ts',
        'has the values of one that is parsed at once, whatever its shape is and wherever it is cut',
      ],
    ],
  },
  {
    server: 'sends half of a surrogate pair in a value, a key or a name',
    fetcher: 'makes a dead letter of the record that holds it as it came; none reaches a table',
    shownBy: [
      [
        'fetcher/behaviour/validated-records.unit.test.ts',
        `never reaches the table, and its dead letter is faithful: \${name}`,
      ],
      ['scenarios/exact.test.ts', 'numbers beyond a double, as numbers and as texts, and texts of all kinds'],
    ],
  },
  {
    server: 'sends a value of another type than the learned column of its field has',
    fetcher: 'keeps it in _extra and says that it does not fit the column',
    shownBy: [
      [
        'fetcher/validate/drift-report.unit.test.ts',
        'a value that does not fit its learned column is said as that, once for each type, and is no unknown field',
      ],
    ],
  },
  {
    server: 'answers 204 or 205, with whatever content coding',
    fetcher: 'takes it for a page without records that ends the walk',
    shownBy: [
      [
        'fetcher/http/transport/transport.unit.test.ts',
        `takes \${status} with the content coding \${coding} for an answer without a body`,
      ],
      [PAGINATION, `that is answered \${status} is an empty page, and the last one`],
    ],
  },
  {
    server:
      'names a wrong or an unknown charset or content coding over JSON that can be read; or none over gzip or UTF-16',
    fetcher: 'reads it, and says once what is wrong',
    shownBy: [['fetcher/http/transport/transport.unit.test.ts', `reads what the bytes show: \${name}`]],
  },
  {
    server: 'sends a whole body that is not JSON, such as one with NaN',
    fetcher: 'says what stands at which line and column, without a value, and does not ask again in this run',
    shownBy: [
      [FAILED_PAGES, `\${name}, whole and for ever unreadable, is said with its place and not asked for again`],
    ],
  },
  {
    server: 'fills a page with one and the same record that does not fit',
    fetcher:
      'counts each of them, stops in front of the page and holds the watermark; excuses as many as earlier runs had',
    shownBy: [
      [
        'fetcher/behaviour/equal-rejects.unit.test.ts',
        `that fill a page stop the run in front of it, and hold the watermark: \${name}`,
      ],
      [
        'fetcher/behaviour/equal-rejects.unit.test.ts',
        'that come again with the lookback, as many as before and nothing else, stop no run',
      ],
      [RUN, 'of a new process excuses a reject as often as its dead letters say, and stops at a page of more'],
    ],
  },
]
