/** What the fetcher promises of next pages, cursors, counters and the ends of walks. */
import type { Line } from '../shown.ts'

const PAGINATION = 'fetcher/behaviour/pagination.unit.test.ts'
const PAGINATORS = 'fetcher/pages/paginators/paginator-for.unit.test.ts'
const OFFSET = 'fetcher/pages/paginators/offset.unit.test.ts'
const KEYSET = 'fetcher/pages/paginators/keyset.unit.test.ts'
const NUMBERS = 'fetcher/pages/paginators/page-number.unit.test.ts'
const COUNTED = 'fetcher/behaviour/counted-links.test.ts'
const NEXT_LINK = 'fetcher/behaviour/next-link.test.ts'
const PAGES = 'fetcher/pages/walk-pages.unit.test.ts'
const MISSING = 'fetcher/behaviour/missing-places.unit.test.ts'
const WALK_SIZE = 'fetcher/pages/walk-size.unit.test.ts'
const GROWN = 'fetcher/pages/walk-end.unit.test.ts'
const WALK_END = 'fetcher/behaviour/walk-end.test.ts'
const CHECK_COMMAND = 'fetcher/authoring/check/check.unit.test.ts'
const PAGINATORS_GRAPHQL = 'fetcher/pages/paginators/graphql.unit.test.ts'
const CREDENTIALS = 'fetcher/http/auth/credentials.unit.test.ts'
const RESUME = 'fetcher/behaviour/resume.test.ts'
const PROPERTY = 'scenarios/property.test.ts'
const RANDOM_APIS = `seeds \${seeds[0]} to \${seeds.at(-1)}`

export const pagination: readonly Line[] = [
  {
    server: 'gives a next link that is relative, absolute, or has an encoded query',
    fetcher: 'resolves it against the URL of the request and repeats no parameter',
    shownBy: [
      [
        PAGINATION,
        'relative, absolute, with an encoded query is resolved against the URL of the request; the original parameters are not repeated',
      ],
      [PAGINATORS, `that is \${name} is resolved against the request's, and the original parameters are not repeated`],
    ],
  },
  {
    server: 'gives a next link to another port or another origin',
    fetcher: 'refuses it unless the source allows that origin, and never sends credentials there',
    shownBy: [
      [
        PAGINATION,
        'with another port, to another origin is refused with an error unless the source allows it, and never asked with credentials',
      ],
      [CREDENTIALS, 'are refused before anything is sent'],
      [CREDENTIALS, `that are allowed are asked without credentials and without the declared headers: \${name}`],
    ],
  },
  {
    server: 'names its next page by a counter, and a record is updated while the pages are walked',
    fetcher: 'goes on by the watermark of a sorted stream, misses none and asks hardly more; warns where it cannot',
    shownBy: [
      [COUNTED, `\${named} over \${what}`],
      [COUNTED, 'cursor() over a plain number of a page'],
      [COUNTED, 'also when the very records move that a page ended with, or one on each page'],
      [COUNTED, 'in hundreds of pages for hardly more requests'],
      [
        COUNTED,
        `where the API treats the parameter as \${since} and nobody declared that, every record arrives all the same`,
      ],
      [COUNTED, 'over pages of one and the same time by the links, and on by the watermark behind them'],
      [COUNTED, 'a run that was interrupted goes on by the watermark, and not by a place that is counted'],
      [COUNTED, `\${what}: once in the log, in check and in preview, and check recommends no sorted`],
    ],
  },
  {
    server:
      'names a next page that cannot be asked for: another origin, another scheme, a cursor that no request can hold',
    fetcher:
      'stops before the page that names it, asks for that page again in the next run, and goes on when the API is right',
    shownBy: [
      [NEXT_LINK, `\${paginate.kind}: one \${what}, named once`],
      [NEXT_LINK, `\${what}, and the next run asks for that page again`],
    ],
  },
  {
    server: 'named a next page that is none, or the declaration changed while a run was interrupted',
    fetcher: 'gives the stored cursor up for the best watermark, once and not in each run, and says so',
    shownBy: [
      [NEXT_LINK, `one that led to \${what}`],
      [NEXT_LINK, `one that led to \${what} once: the run after it reads everything`],
      [NEXT_LINK, 'one of an address that the declaration had before'],
      [NEXT_LINK, `one that another way of paging wrote: \${what}`],
    ],
  },
  {
    server: 'repeats a credential in its next link or its cursor',
    fetcher: 'stores the link without it and asks with the current one; stops before it stores such a cursor',
    shownBy: [
      [NEXT_LINK, `\${what} is in no topic and no checkpoint, and is asked for as the API gave it`],
      [NEXT_LINK, 'is asked for with the credential of now, when the run goes on after a change of it'],
      [NEXT_LINK, 'that is shorter than 8 characters is taken for something else'],
      [NEXT_LINK, `stops the run before it is stored where the cursor is opaque: \${what}`],
      [
        'scenarios/secrets.test.ts',
        'no credential is in a log, an output, a topic, a checkpoint or a table, whatever the API repeats',
      ],
    ],
  },
  {
    server: 'gives an empty or a null cursor',
    fetcher: 'ends the walk',
    shownBy: [[PAGINATION, `is at a cursor that is "", null or false: \${JSON.stringify(end)}`]],
  },
  {
    server: 'leaves the cursor or the next URL out, with or without the object around it',
    fetcher:
      'ends the walk where the page cannot be a full one or the place is optional; holds the watermark and says so otherwise',
    shownBy: [
      [MISSING, 'on a page that may be full holds the watermark and says so; a later run asks for all of it again'],
      [MISSING, 'ends the walk on a page that is empty, or shorter than an earlier one, also after a restart'],
      [MISSING, 'ends the walk on a page shorter than the size that is declared, or that the request asks for'],
      [MISSING, 'ends the walk where the place is optional, and where it is null, "" or false'],
      [MISSING, 'holds the watermark of all later windows too, also when the run is interrupted behind that window'],
      [
        WALK_END,
        'holds the watermark of a whole walk in windows where the cursor is left out, says so once, and the next run moves it',
      ],
      [MISSING, 'withholds the mark of a complete walk'],
    ],
  },
  {
    server: 'answers 2xx with an error, with the array under another name, or with another shape',
    fetcher: 'takes it for no page: stops, says what the body has, and moves nothing',
    shownBy: [
      [MISSING, `stops the run, says what the body has, and moves nothing: \${name}`],
      [MISSING, `holds no day of windows back behind the watermark: \${name}`],
      [
        MISSING,
        'is an error too where the array is there and empty, beside an error of its own; unless the author says what an error is',
      ],
      [MISSING, `is an error where an empty answer says that it failed: \${says}`],
      [MISSING, 'is none where an empty answer says that all is well, and where a page has records'],
      [MISSING, 'shows no credential, no line break and no endless list of names in its error'],
      [
        PAGINATORS_GRAPHQL,
        `where there is no connection: \${JSON.stringify(data)}; it ends there where the connection is optional`,
      ],
      [
        'fetcher/behaviour/validated-records.unit.test.ts',
        'that the page lacks stops the run and says what the body has; where it is optional, the schema decides',
      ],
    ],
  },
  {
    server: 'says has_more: false, or its text, beside a cursor; or leaves a declared has_more out',
    fetcher: 'ends the walk; stops with an error',
    shownBy: [
      [
        PAGINATION,
        'is where has_more is false or "false" though a cursor is present; a has_more that is missing is an error',
      ],
    ],
  },
  {
    server: 'writes a total as a text, leaves a declared total or flag out, or writes no number',
    fetcher: 'takes the text; stops with an error, unless the place is optional',
    shownBy: [
      [MISSING, 'a total that is missing is an error, unless it is optional: then an empty page ends the walk'],
      [
        MISSING,
        'a flag that is missing is an error, unless it is optional: then the cursor, or the pages, say where the walk ends',
      ],
      [MISSING, 'a flag that says whether a window is capped is missing: an error, unless it is optional'],
      [PAGINATION, 'is at a total, "100" too; a total that is missing or no number where it is declared is an error'],
    ],
  },
  {
    server: 'takes its cursor inside a nested JSON body',
    fetcher: 'leaves the other keys of the body as they are',
    shownBy: [
      [
        PAGINATION,
        'cursor that goes into a nested JSON body leaves the other keys of the body as they are (a search by POST)',
      ],
    ],
  },
  {
    server: 'counts pages, and the declaration says nowhere when they end',
    fetcher: 'refuses the declaration',
    shownBy: [['shared/declaration/paginate/paginate.unit.test.ts', 'a numbered walk without any stop rule']],
  },
  {
    server: 'ends with a page whose items are null, or left out as declared; or all records of a page are filtered out',
    fetcher: 'takes it for an empty page; asks for the next page all the same',
    shownBy: [
      [
        PAGINATION,
        'is a last page whose items are null: an empty page, and no crash; so is one without them where the declaration says so',
      ],
      [PAGINATION, 'whose records are all filtered out does not end the walk: the next page is still asked for'],
      [
        'scenarios/deleted-records.test.ts',
        'pages whose records are all left out are walked through, and the envelope is a column of the others',
      ],
    ],
  },
  {
    server:
      'ends a walk short of the total, the number of pages or the X-Total-Count that it gave before, or breaks a promise of more',
    fetcher:
      'fails the run, which goes on there next time; only warns at what is declared as inexact; holds the watermark where it cannot tell',
    shownBy: [
      [WALK_SIZE, `fails the run, and the next one brings the rest: \${name}, \${what}`],
      [WALK_END, `fails the run and moves nothing; the runs after it bring everything: \${name}`],
      [WALK_END, 'a total that was true before most records were deleted stops no stream for good'],
      [WALK_SIZE, `is none where records are deleted or added meanwhile: \${name}`],
      [WALK_SIZE, 'only warns where the total is declared as inexact, and ends no walk by it'],
      [
        WALK_SIZE,
        'is compared after a restart in mid-walk too; a checkpoint that did not count yet is not held against the walk',
      ],
      [
        WALK_SIZE,
        'on the very page that a run resumes with sends it back to its best watermark, since what was learned may be out of date',
      ],
      [WALK_SIZE, 'counts what an overlap or an inclusive key brings again only once'],
      [WALK_SIZE, 'is found window by window, and holds the watermark in front of that window'],
      [WALK_SIZE, 'fails the run that ends short of it, where the request asks for everything'],
      [WALK_SIZE, 'holds the watermark where the request leaves something out, since the header may count all'],
      [
        WALK_SIZE,
        'only warns where the page is an end of its own, so that a header that counts all holds no stream up for ever',
      ],
      [
        WALK_SIZE,
        'holds the watermark in front of a window that is empty beside it, where it counted windows before, and not where it counts all',
      ],
      [WALK_SIZE, `ends no walk that was told more: \${name}`],
      [WALK_SIZE, `holds the watermark on the first page: \${name}`],
      [WALK_SIZE, 'may count all behind a watermark parameter of any name'],
      [WALK_SIZE, 'a walk over everything that brings far fewer records than the last complete one is warned of'],
      [WALK_SIZE, 'is left alone where the declaration says so, and may be declared as an estimate'],
      [WALK_SIZE, `and is followed by a last page without records holds the watermark: \${name}`],
    ],
  },
  {
    server:
      'gives a page without records and zeros, or a status without a body, after its list has grown during the walk',
    fetcher: 'fails the run, which resumes there; accepts a number that agrees with what was read',
    shownBy: [
      [GROWN, `fails the run, and the next one brings the rest: \${name}`],
      [GROWN, `fails a run that was interrupted before it too: \${name}`],
      [GROWN, `is no end on the last page either: \${name}`],
      [GROWN, `is none where the walk comes to the last number: \${name}`],
      [GROWN, `is none where the records of the last page were deleted, and the number says so: \${name}`],
      [GROWN, 'only warns where the number is an estimate'],
      [GROWN, 'holds the watermark where nobody declared the header, and the request leaves something out'],
      [GROWN, 'fails in the middle of a window'],
      [GROWN, `is no end beside the number itself: \${name}`],
      [GROWN, 'is no end where its status says that it has no body, or the number is omitted'],
      [GROWN, 'is the end of one that is told by an empty page, whatever was added to its last page meanwhile'],
      [GROWN, 'what is added behind any other walk is not for it to read: an empty page beside the number is its end'],
      [WALK_END, `fails the run and moves nothing; the runs after it bring everything: \${name}`],
    ],
  },
  {
    server: 'gives a page of exactly the requested size, and no sign of a next one',
    fetcher: 'warns that the list may be cut',
    shownBy: [
      [WALK_SIZE, 'is told, as the list may be cut; a shorter page, a sign or a total that agrees is not'],
      [WALK_END, 'a page of exactly the requested size without a sign of a next one is warned of in each run, once'],
      [
        CHECK_COMMAND,
        'that is a full one without a sign of another is warned of, and so is what would hold the watermark',
      ],
    ],
  },
  {
    server:
      'is looked at by `check`: with an envelope, by a walk of the author, with a page that does not fit the schema',
    fetcher: 'says of it what a run would do',
    shownBy: [
      [
        CHECK_COMMAND,
        'has an envelope of its partition, its body and a function of its headers; one that the page lacks fails the schema',
      ],
      [CHECK_COMMAND, "may be an author's own walk, also one that asks for each record by itself"],
      [CHECK_COMMAND, 'whose second page does not fit the schema has new records all the same'],
    ],
  },
  {
    server: 'gives an empty page with a next cursor',
    fetcher: 'goes on, for a bounded number of empty pages in a row, and never ends in silence',
    shownBy: [
      [
        PAGINATION,
        'that is empty and has a next cursor is gone on from, bounded by a number of empty pages in a row: never a silent end',
      ],
      [PAGES, 'after a number of empty pages in a row that each name a next one'],
    ],
  },
  {
    server: 'gives cursors in a circle, or the same page under another cursor',
    fetcher: 'stops with an error that shows it, asks no further, and leaves the watermark',
    shownBy: [
      [
        PAGINATION,
        'cursor A, B, A again is an error that shows the cycle; nothing after it is fetched, the watermark does not move',
      ],
      [
        PAGINATION,
        'the same page content twice under different cursors is an error; the watermark of a sorted stream stays in front of it',
      ],
    ],
  },
  {
    server: 'inserts and deletes records while offsets are walked',
    fetcher: 'loses none within the overlap, goes back for more, and says what it cannot promise',
    shownBy: [
      [PAGINATION, `no record is lost (\${name})`],
      [OFFSET, 'loses no record under any deletions of at most the overlap between two pages'],
      [OFFSET, 'notices that more were deleted, says so once, and goes back until it meets known records'],
      [
        'fetcher/behaviour/paging.test.ts',
        'records that move under an offset walk are gone back for, counted and said; what offsets cannot promise is said once',
      ],
      [PROPERTY, RANDOM_APIS],
    ],
  },
  {
    server: 'refuses a cursor that has expired',
    fetcher: 'goes on from the best watermark, and gives up after a few walks that bring it no further',
    shownBy: [
      [RESUME, `goes on from the best watermark when the API answers \${status} to its cursor`],
      [RESUME, 'is given up after a few walks that bring the watermark no further'],
      [PROPERTY, RANDOM_APIS],
    ],
  },
  {
    server:
      'pages by key, number, offset, Link header, next URL, cursor, posted search, GraphQL connection, or as no other',
    fetcher: 'walks it, and goes on from every checkpoint',
    shownBy: [
      [PAGINATION, `by \${name} finds each of them once, and says when it ends`],
      [PAGINATION, `by \${name} goes on from every checkpoint, and finds what is left`],
      ['fetcher/pages/generator-walk.unit.test.ts', 'goes on from the cursor that it gave with a page'],
      [NUMBERS, 'is sent from the first request on, beside the size and the other parameters'],
      [KEYSET, "asks with the last record's key, and ends at an empty page"],
    ],
  },
]
