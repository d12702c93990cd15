/** What the fetcher promises of its requests: where they hold a value, and what an author may compute. */
import type { Line } from '../shown.ts'

const PLACES = 'fetcher/behaviour/request-places.unit.test.ts'
const COMPUTED = 'fetcher/behaviour/computed-requests.unit.test.ts'
const DECLARED = 'shared/declaration/checks/request.unit.test.ts'

const CALENDAR = 'fetcher/behaviour/calendar-steps.unit.test.ts'
const UNASKED = 'fetcher/behaviour/unasked-watermarks.unit.test.ts'
const WRITTEN = 'fetcher/behaviour/written-watermarks.unit.test.ts'
const VENDORS = 'scenarios/vendors.test.ts'
const PROPERTY = 'scenarios/property.test.ts'
const RANDOM_APIS = `seeds \${seeds[0]} to \${seeds.at(-1)}`

export const requests: readonly Line[] = [
  {
    server: 'is Zendesk, Salesforce or Jira, and its author a new user',
    fetcher: 'needs no more than 30 lines beside the schema, no cast and no walk of its own',
    shownBy: [
      [VENDORS, 'each declaration has at most 30 lines beside its schema, no cast, and no walk of its own'],
      [
        VENDORS,
        'tickets, accounts and issues arrive in ClickHouse once and whole, though the fetcher was killed in each walk',
      ],
    ],
  },
  {
    server: 'lists newest first and cannot be asked for what changed',
    fetcher: 'walks down to the watermark, skips what is older, and moves the watermark at the end of the walk only',
    shownBy: [
      [UNASKED, 'is walked to the page that passes the watermark; what is older is skipped, what is equal comes again'],
      [UNASKED, 'confirms nothing before its end, so that a crash loses nothing of what lies between'],
      [UNASKED, 'that grows at its top meanwhile repeats records, and is in order'],
      [UNASKED, 'from which records are deleted meanwhile is looked through again where offsets overlap'],
      [UNASKED, 'is walked for a backfill down to where its range begins'],
      [PROPERTY, RANDOM_APIS],
    ],
  },
  {
    server: 'lists newest first, but some records come out of order',
    fetcher: 'holds the watermark and warns, unless the lookback spans it',
    shownBy: [
      [
        UNASKED,
        'whose records come out of order holds the watermark, says so, and is walked to a page that is older as a whole',
      ],
      [UNASKED, 'whose order is wrong by no more than the lookback is trusted, and loses nothing'],
    ],
  },
  {
    server: 'lists everything in any order and cannot be asked for what changed',
    fetcher: 'walks it whole and skips what the watermark has passed',
    shownBy: [
      [UNASKED, 'is walked to its end in any order; what the watermark has passed is skipped, and it moves at the end'],
      [UNASKED, 'resumes at its cursor, and what lies behind it is not lost'],
      [PROPERTY, RANDOM_APIS],
    ],
  },
  {
    server: 'takes the watermark in a form that only code can write, or coarser than its field',
    fetcher: 'rounds the position down to the precision of the form; equal records come again',
    shownBy: [
      [WRITTEN, 'may be coarser than the field: records of the same minute come again, and none is lost'],
      [
        'shared/declaration/own-form.unit.test.ts',
        'is what a position is rounded down to, even if the function rounds up',
      ],
      [PROPERTY, RANDOM_APIS],
    ],
  },
  {
    server: 'writes times in forms of its own: no offset, day first, seconds with a fraction',
    fetcher: 'takes the declared forms as instants with an order; anything else is a dead letter',
    shownBy: [
      ['shared/declaration/instant-field.unit.test.ts', 'takes the declared formats in their order, and nothing else'],
      [
        'shared/declaration/instant-field.unit.test.ts',
        'is refused as its watermark where hours of its zone come twice',
      ],
      [WRITTEN, 'of times that are no RFC 3339 moves by their order, and asks in the form of the API'],
      [
        'scenarios/instants.test.ts',
        'times in forms of the API arrive as instants, and those in no form are dead letters',
      ],
    ],
  },
  {
    server: 'answers for whole months or years',
    fetcher: 'walks windows of the calendar, which chain without a gap at the end of a month',
    shownBy: [
      [CALENDAR, 'of a month end where the next month has that day, or its last one'],
      [CALENDAR, 'of a month that hit the cap are halved, and grow back to months'],
      [CALENDAR, 'a lookback of a month asks from the same day of the month before'],
    ],
  },
  {
    server: 'answers If-Modified-Since with 304',
    fetcher: 'ends the run well, and the watermark stays',
    shownBy: [[WRITTEN, 'that is answered with 304 is a run without records, and the watermark stays']],
  },
  {
    server: 'takes numbers, offsets, cursors or keys in a JSON body, a form or a header',
    fetcher:
      'puts them there and leaves the rest of the request as it is; an interrupted walk resumes with the same requests',
    shownBy: [
      [PLACES, 'as a page number and a size into a JSON body, as numbers, and the other keys of the body stay'],
      [PLACES, 'as an offset and a limit into a form, beside its other fields'],
      [PLACES, 'as an offset into headers, whose limit stays a parameter'],
      [PLACES, 'as the key of the last record into a form or a header'],
      [DECLARED, 'a cursor in a form that is not there'],
      [DECLARED, 'two values for one field of the form'],
      [PROPERTY, RANDOM_APIS],
    ],
  },
  {
    server: 'takes a watermark and an end in a form, a header or a JSON body',
    fetcher: 'puts them there, in every window too',
    shownBy: [
      [PLACES, 'into a form, windows included'],
      [PLACES, 'into headers and the JSON body'],
      [PROPERTY, RANDOM_APIS],
    ],
  },
  {
    server: 'wants a cursor with the first page, a parameter several times, or reads the body of a GET',
    fetcher: 'sends what is declared',
    shownBy: [
      [PLACES, 'as a cursor into a form, and the first page has the one that opens the list'],
      [PLACES, 'sends its parameter once for each of them, and none at all when it is empty'],
      [PLACES, 'as a GET with a body where the declaration says so'],
      [DECLARED, 'a form without a method'],
    ],
  },
  {
    server: 'wants a query, a path or a body that only code can write',
    fetcher:
      'calls the functions of the request for each page, with the same argument after every restart, and never with a secret',
    shownBy: [
      [COMPUTED, 'gets page and cursor of each page, the same after every interruption'],
      [COMPUTED, 'gets the page within the walk of its own slice, the same after every interruption'],
      [COMPUTED, 'writes the ends of each window where only a query language takes them'],
      [COMPUTED, 'resumes in the middle with the page and the cursor of its checkpoint'],
      [
        'fetcher/pages/computed-request.unit.test.ts',
        'gets the partition, the ends, the page and the cursor, and nothing else',
      ],
      [
        COMPUTED,
        'stops with the mistake of the declaration at the page where its function fails, and keeps the pages before',
      ],
    ],
  },
]
