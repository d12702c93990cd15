/**
 * What the fetcher promises in front of an API, line by line, and the tests that show it. A line names the server's
 * behaviour and what the fetcher does; a test is named by its file and its name as it is written there, so that a test
 * which goes away is noticed.
 */

import { keysAndAnswers } from './keys-and-answers.ts'
import { network } from './network.ts'
import { requests } from './requests.ts'
import type { Line } from './shown.ts'

const PAGINATION = 'fetcher/behaviour/pagination.unit.test.ts'
const PAGINATORS = 'fetcher/pages/paginators/paginator-for.unit.test.ts'
const OFFSET = 'fetcher/pages/paginators/offset.unit.test.ts'
const KEYSET = 'fetcher/pages/paginators/keyset.unit.test.ts'
const WINDOWS = 'fetcher/behaviour/time-windows.unit.test.ts'
const NUMBERS = 'fetcher/pages/paginators/page-number.unit.test.ts'
const CLOCK = 'fetcher/behaviour/clock.test.ts'
const STAMPS = 'fetcher/publish/stamps.unit.test.ts'
const COUNTED = 'fetcher/behaviour/counted-links.test.ts'
const NEXT_LINK = 'fetcher/behaviour/next-link.test.ts'
const PAGES = 'fetcher/pages/walk-pages.unit.test.ts'
const MISSING = 'fetcher/behaviour/missing-places.unit.test.ts'
const WALK_SIZE = 'fetcher/pages/walk-size.unit.test.ts'
const WALK_END = 'fetcher/behaviour/walk-end.test.ts'
const CHECK_COMMAND = 'fetcher/authoring/check/check.unit.test.ts'
const PAGINATORS_GRAPHQL = 'fetcher/pages/paginators/graphql.unit.test.ts'
const DECODERS = 'fetcher/behaviour/decoders.unit.test.ts'
const OPEN_FILE = 'fetcher/http/decode/open-file.unit.test.ts'
const XML = 'fetcher/http/decode/xml.unit.test.ts'
const SCENARIO_DECODERS = 'scenarios/decoders.test.ts'
const RETRY = 'fetcher/http/layers/retry.unit.test.ts'
const CREDENTIALS = 'fetcher/http/auth/credentials.unit.test.ts'
const REFRESH = 'fetcher/http/auth/oauth2-refresh-token.test.ts'
const REFRESH_UNIT = 'fetcher/http/auth/oauth2-refresh-token.unit.test.ts'
const REFUSED = 'fetcher/behaviour/refused-credentials.unit.test.ts'
const JUDGE = 'fetcher/validate/validate.unit.test.ts'
const RESUME = 'fetcher/behaviour/resume.test.ts'
const RUN = 'fetcher/run.test.ts'
const WATERMARK = 'shared/watermark.unit.test.ts'
const CHECK = 'operator/check.test.ts'
const DAY = 'scenarios/day.test.ts'
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

export const retrying: readonly Line[] = [
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
    ],
  },
  {
    server: 'answers 503 twice and then well; or 503 for ever',
    fetcher: 'asks three times; ends after the declared attempts, naming request, attempts and last answer',
    shownBy: [
      [RETRY, '503, 503, 200 takes three requests, with 2^n + random() seconds between them'],
      [RETRY, 'an endless 503 ends after the declared attempts, and the error names request, attempts and last answer'],
    ],
  },
  {
    server: 'answers 429 with Retry-After as seconds, a date, in the past, negative, no number, an hour',
    fetcher: 'comes back never earlier; beyond the bound it parks the partition and says until when',
    shownBy: [
      [RETRY, `\${name}: never earlier than asked`],
      [RETRY, `Retry-After that is \${name} is no hint: 2^n + random() seconds`],
      [RETRY, 'beyond the bound parks the partition and says until when'],
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
      [RETRY, `\${name}: never earlier than asked`],
      [RETRY, 'is also heeded when a good page says that nothing is left'],
      [DAY, 'every way of failing was met'],
    ],
  },
  {
    server: 'answers 429 without a hint',
    fetcher: 'waits 2^n + random() seconds, bounded, and two workers do not wait the same time',
    shownBy: [[RETRY, 'without a time is 2^n + random() seconds, bounded, and two workers do not wait the same time']],
  },
  {
    server: 'resets in the body, cuts JSON, counts its bytes wrong, sends HTML or too much',
    fetcher: 'says what it was, with an excerpt, and asks for the page again',
    shownBy: [
      [RETRY, `\${name} is a transient error with a clear text, and the page is asked for again`],
      [DAY, 'every way of failing was met'],
    ],
  },
  {
    server: 'refuses with 400, 403, 404 or 422',
    fetcher: 'does not ask again, and the other partitions go on',
    shownBy: [
      [RETRY, `with \${status} is not asked for again`],
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
      [RETRY, 'a cancel ends the wait at once, with its own reason'],
      [RETRY, 'a cancel ends a transfer at once, with its own reason, and is not a failed attempt'],
    ],
  },
]

const SOURCES = 'shared/declaration/load-sources.unit.test.ts'
const UNFINISHED = 'scenarios/unfinished-source.test.ts'

/** Not of an API: of the folder that its declarations lie in. */
export const declarations: readonly Line[] = [
  {
    server: 'has a declaration beside it that cannot be used: unfinished, of a name that is taken, waiting for ever',
    fetcher: 'fetches all others, names file, line and column, and ends with 1; a stream that is named is done with 0',
    shownBy: [
      [
        UNFINISHED,
        'is named by fetch --once, which fetches all others and ends with 1; a stream that is named is done with 0',
      ],
      [UNFINISHED, 'does not stop the service: it says so in log and metric, and fetches the others'],
      [UNFINISHED, 'matters to check, preview and the replay of dead letters only if it is the one that is named'],
      [SOURCES, 'is not replaced by the built-in example of its name'],
      [SOURCES, 'is each of two that declare one source, and no other'],
      [SOURCES, 'a top level that waits for ever is given up, and named'],
      [SOURCES, 'a script that would end the command'],
    ],
  },
]

export const quotas: readonly Line[] = [
  {
    server: 'counts requests by the second and by the day, by path, or by weight',
    fetcher: 'keeps each quota in any window, over all workers, and an exhausted one holds up only what it counts',
    shownBy: [
      [
        'fetcher/behaviour/several-quotas.unit.test.ts',
        'are each kept in any window, with paths and weights, over workers that come, go and start anew',
      ],
      ['fetcher/behaviour/several-quotas.unit.test.ts', 'do not hold up requests that an exhausted one does not count'],
      [
        'fetcher/http/rate-limit/limiter.unit.test.ts',
        'is never passed in any window, whatever partitions change hands, workers start anew and answers take',
      ],
      [DAY, 'the API counts no request more than its quota in any window, and none earlier than it asked for'],
    ],
  },
  {
    server: 'answers 200 with an error in the body; or has statuses of its own for retry, skip, empty and stop',
    fetcher: 'takes them for what is declared',
    shownBy: [
      [
        'fetcher/http/layers/classify-response.unit.test.ts',
        'is asked again if it passes, at most as often as every other',
      ],
      [
        'fetcher/http/layers/classify-response.unit.test.ts',
        'is never asked again if it does not pass, and is shown without the credentials',
      ],
      [
        'fetcher/http/layers/classify-response.unit.test.ts',
        'means what the stream says of it, else what the source says, else what HTTP says',
      ],
    ],
  },
]

export const credentials: readonly Line[] = [
  {
    server: 'gives a token that ends soon',
    fetcher: 'renews it a minute before its end, a short one a tenth of its life before; once for all that wait',
    shownBy: [
      [
        CREDENTIALS,
        `a token of \${JSON.stringify(life)} seconds is good until \${margin} s before its end, and renewed from then on`,
      ],
      [CREDENTIALS, 'eight requests at once take one token request'],
      ['scenarios/tokens.test.ts', 'a token that ends is renewed before it does, and no page is refused'],
    ],
  },
  {
    server: 'refuses a token that has not ended',
    fetcher: 'renews it once, by the token that was refused, asks once more, then stops',
    shownBy: [
      [CREDENTIALS, 'five 401s at once for the same token take one renewal'],
      [
        CREDENTIALS,
        'a 401 that comes late, for a token that was renewed meanwhile, takes the new one and asks for no third',
      ],
      [CREDENTIALS, 'a new token that is refused too is an error, with a hint and without the token'],
    ],
  },
  {
    server: 'hands out a new refresh token, or none',
    fetcher: 'stores the new one before it is used, keeps the old one, and loses nothing to a crash in between',
    shownBy: [
      [REFRESH_UNIT, 'that the answer does not replace stays, and is used again'],
      [REFRESH_UNIT, 'that the answer replaces is in the store before the new access token is used'],
      [
        REFRESH,
        'two that refresh at once share one rotation; one that is killed between storing and using loses nothing',
      ],
    ],
  },
  {
    server: 'has a token endpoint that fails, refuses, or does not say how long a token lives',
    fetcher: 'asks it again; stops with a hint; renews on a 401',
    shownBy: [
      [CREDENTIALS, `a token endpoint that answers with \${JSON.stringify(answer)} is asked again`],
      [CREDENTIALS, `\${name} is not tried again and says what to check`],
      [CREDENTIALS, `expires_in \${JSON.stringify(life) ?? 'missing'} works, and the token is renewed on a 401`],
    ],
  },
  {
    server: 'refuses the credentials for good: 401 to each token, invalid_grant, invalid_client',
    fetcher:
      'asks again with waits that double, begins with another token, takes a changed secret at once, and says what a person must do',
    shownBy: [
      [
        REFUSED,
        'is asked for again with waits that double, and not at each run; the error says that a person must authorise again',
      ],
      [REFUSED, 'gives way at once to a new first token in its file'],
      [REFUSED, 'is left alone with waits that double, over all partitions, until its secret changes'],
      [REFUSED, 'the next run does not send the refused token again: it has another one first'],
      [REFUSED, `is used as it is now, after a 401 in the same request, and without one a second later: \${name}`],
      [REFUSED, 'and is empty or gone for a moment leaves the last good value in use, for five minutes at most'],
      [
        'fetcher/behaviour/refused-runs.test.ts',
        'with 401 on one path waits longer and longer there, and fetches the other stream on time',
      ],
      [
        'fetcher/behaviour/refused-runs.test.ts',
        'by the token endpoint for good asks it once for all streams, and fails every run meanwhile',
      ],
    ],
  },
  {
    server: 'calls the type of its tokens by a name of its own, or wants a proof with each',
    fetcher: 'sends them as Bearer, or with the word that is declared; refuses the latter',
    shownBy: [
      [REFUSED, `\${type} is refused: its tokens are useless without a proof; the hint says what to do`],
      [REFUSED, `does not matter where the word before the token is declared: \${name}`],
    ],
  },
  {
    server: 'takes a refresh token away as it answers, while the store is full or cannot be written to',
    fetcher: 'writes to the store first, and does not use the token where it cannot',
    shownBy: [
      [REFRESH_UNIT, `\${name} is told before the endpoint is asked, first and later: the token is not used up`],
      [REFRESH_UNIT, 'on a full disk is told before the endpoint is asked, and the refresh goes on when there is room'],
      [
        REFRESH_UNIT,
        'that was written before the token was used, by a process that then died, holds the token that is still good',
      ],
      [REFRESH_UNIT, 'that others can enter or read is reported with the command that closes it'],
    ],
  },
  {
    server: 'quotes the credentials or the whole header in an error, in whatever form',
    fetcher: 'shows the error without them',
    shownBy: [
      ['shared/redact/text.unit.test.ts', `\${name} holds no token any more, whatever stands around it`],
      [
        'shared/redact/text.unit.test.ts',
        'of user name and password holds neither of them, in base64 of the whole value either',
      ],
      [
        'shared/redact/text.unit.test.ts',
        'that was cut shows no beginning of it, where the cut came before the blanks were taken out too',
      ],
      ['shared/redact/text.unit.test.ts', `in base64 is shown without the credentials: \${name}`],
    ],
  },
  {
    server: 'ends a token between two pages',
    fetcher: 'goes on from the same cursor',
    shownBy: [
      ['scenarios/tokens.test.ts', 'a token that is revoked costs one refused request and one token more'],
      [PROPERTY, RANDOM_APIS],
    ],
  },
  {
    server: 'takes credentials in one of the usual ways',
    fetcher: 'sends them so, and shows them in no log, topic or error',
    shownBy: [
      [CREDENTIALS, 'in the header: form-encoded, with scope, audience and extra parameters in the body'],
      [CREDENTIALS, 'in the body, at another origin that gets nothing else'],
      [
        REFRESH_UNIT,
        'is sent with the client in the header, with scope and extra parameters in the body; the page gets the access token alone',
      ],
      [CREDENTIALS, 'a bearer token goes into the Authorization header'],
      [CREDENTIALS, 'user name and password go into a Basic header'],
      [CREDENTIALS, 'an API key goes into the header that is declared'],
      [CREDENTIALS, 'an API key in the query is sent, and is in neither the answer, a log line, nor an error'],
      [
        'fetcher/behaviour/signed-tokens.unit.test.ts',
        'is sent beside the other credentials to the own origin, also after a redirect, and nowhere else',
      ],
      [
        'scenarios/secrets.test.ts',
        'no credential is in a log, an output, a topic, a checkpoint or a table, whatever the API repeats',
      ],
    ],
  },
]

export const incremental: readonly Line[] = [
  {
    server: 'is asked by a host whose clock is behind, ahead, or put back while a run goes on',
    fetcher:
      'stamps nothing below the last stamp of the partition, says so, and lets the watermark follow the clock only',
    shownBy: [
      [CLOCK, `after a host took over whose clock is \${what} behind, and it says so if that is a second or more`],
      [CLOCK, 'after a clock that was put back in the middle of a run'],
      [CLOCK, 'after a clock that ran ahead, as far as Kafka takes it, and was then corrected'],
      [CLOCK, 'after full runs and backfills of hosts that are behind, each with checkpoints of its own'],
      [CLOCK, 'after a full walk of a host that is behind, which also marks what is gone'],
      [CLOCK, 'and not that of a dead letter, replayed by a host that is behind, which was fetched before it'],
      [
        CLOCK,
        'because the last one lies too far ahead by now: the clock is gone by, loudly, and the stream is not held up',
      ],
      [
        STAMPS,
        'does not follow a stamp that was raised: what was not there when the page was fetched is not confirmed',
      ],
    ],
  },
  {
    server: 'has records with one time on both sides of a page or a run; leaves out those equal to since',
    fetcher: 'loses none and doubles none; asks one unit earlier',
    shownBy: [
      [RUN, 'loses none and doubles none of the records with equal times, across pages and runs'],
      [
        'fetcher/watermark/request-window.unit.test.ts',
        'one step of its form earlier, where the API leaves equal records out',
      ],
      [PROPERTY, RANDOM_APIS],
    ],
  },
  {
    server: 'shows records late',
    fetcher: 'finds them by the lookback, and publishes only what changed',
    shownBy: [
      [
        'fetcher/schedule/assigned-partitions.test.ts',
        'publishes what is new and nothing twice, whatever the lookback brings again',
      ],
      [
        'fetcher/behaviour/settling-period.test.ts',
        'are published at once, but the watermark stays behind them, and those that come late among them are found',
      ],
      [
        'fetcher/behaviour/settling-period.test.ts',
        'are found by the next run, also when they come behind a sorted walk that goes on for longer than the lookback',
      ],
      [PROPERTY, RANDOM_APIS],
    ],
  },
  {
    server: 'fails on page 3 of 5',
    fetcher: 'leaves the watermark of an unsorted stream, and that of a sorted one at the end of page 2',
    shownBy: [
      [RESUME, 'of a sorted stream has the watermark of page 2, and the next one goes on at page 3'],
      [RESUME, 'of an unsorted stream leaves the watermark where it was, and the next one goes on at page 3'],
      [PROPERTY, RANDOM_APIS],
    ],
  },
  {
    server: 'fills a whole page with one time',
    fetcher: 'gets past it, or says that it cannot',
    shownBy: [
      [KEYSET, 'with equal keys on both sides of a page loses none where it is inclusive'],
      [KEYSET, 'at a full page of one and the same key, instead of asking for it for ever'],
      [RUN, 'loses none and doubles none of the records with equal times, across pages and runs'],
    ],
  },
  {
    server: 'leaves the watermark field out, or writes it in one of many forms',
    fetcher: 'makes a dead letter or takes the declared default; compares by value',
    shownBy: [
      [JUDGE, 'a record without a position is rejected, never given a wrong watermark'],
      [JUDGE, 'a default of the schema gives the position where the field is missing'],
      [WATERMARK, 'one instant has one position, however it is written'],
      [WATERMARK, '9 comes before 10, and a later text may be an earlier instant'],
    ],
  },
  {
    server: 'writes its times without an offset, or in a form whose order as a text is not that of time',
    fetcher:
      'refuses the declaration, or each record; times that are declared to be in UTC are asked for as they are written',
    shownBy: [
      ['shared/declaration/sortable-text.unit.test.ts', 'that takes local times'],
      [
        'shared/declaration/sortable-text.unit.test.ts',
        'with a zone whose clocks go back, or with a zone that says nothing',
      ],
      ['shared/declaration/sortable-text.unit.test.ts', `is rejected with the reason, and gives no watermark: \${at}`],
      [
        'shared/declaration/sortable-text.unit.test.ts',
        'with local times that are said to be in UTC: they are asked for as they are written, and may look back',
      ],
    ],
  },
  {
    server: 'caps what one query gives',
    fetcher: 'walks in windows that halve, and neither overlap nor leave a gap',
    shownBy: [
      [WINDOWS, 'goes from the start to now, half-open: the windows neither overlap nor leave a gap'],
      [WINDOWS, 'is halved and walked again, and loses nothing that the API held back'],
      [PROPERTY, RANDOM_APIS],
    ],
  },
]

export const ranges: readonly Line[] = [
  {
    server: 'is asked for a range of the past',
    fetcher:
      'moves neither checkpoint nor watermark, and ranges that follow each other neither overlap nor leave a gap',
    shownBy: [
      [
        'fetcher/behaviour/backfill.test.ts',
        'publishes what lies in the range, all of it, and moves neither checkpoint nor watermark',
      ],
      [
        'fetcher/behaviour/backfill.test.ts',
        'of ranges that follow each other leaves no record out and publishes none twice, whatever the API makes of its ends',
      ],
      [
        'faults/pipeline-backfill.test.ts',
        'a backfill that is killed goes on at its cursor, and the regular runs go on beside it',
      ],
      ['faults/pipeline-two-backfills.test.ts', 'one owns it, the other says so and finds it done'],
      ['faults/pipeline-two-backfills.test.ts', 'the other one goes on at its cursor when the owner is killed'],
    ],
  },
  {
    server: 'is divided anew: more partitions, fewer, others',
    fetcher: 'begins where all before is confirmed, and loses nothing',
    shownBy: [
      [
        'fetcher/behaviour/partitions.test.ts',
        'begins at the lowest watermark and loses nothing, though one partition runs long after the others',
      ],
      ['faults/pipeline-layout.test.ts', `loses nothing, and no watermark runs ahead, when the loader \${name}`],
      ['fetcher/behaviour/partitions.test.ts', 'goes back and forth, by two deploys that run at once, without a loss'],
    ],
  },
  {
    server: 'has records below each record of another stream, some of which it refuses',
    fetcher:
      'asks for all of them; one that fails stops no other, and moves no watermark; a new one is asked for everything',
    shownBy: [
      [
        'fetcher/behaviour/slices.test.ts',
        'one that fails stops none of the others; it is named, the run fails, and the watermark stays until all are read',
      ],
      ['fetcher/behaviour/slices.test.ts', 'a new one is asked from the start, the others from the watermark'],
      [
        'fetcher/behaviour/slices.test.ts',
        'parents that their schema refuses have no children, which is said, and come back from their start',
      ],
    ],
  },
  {
    server: 'marks a record as deleted, or only leaves it out',
    fetcher: 'marks the row; does so after a complete walk alone',
    shownBy: [
      [
        'scenarios/deleted-records.test.ts',
        'a record that is marked deleted is gone under FINAL, there without it, and back when a newer version is not marked',
      ],
      [
        'scenarios/full-walk.test.ts',
        'what a complete walk does not bring is gone under FINAL, there without it, and back when a later walk brings it',
      ],
      [
        'scenarios/full-walk.test.ts',
        'a walk that is interrupted marks nothing until it has come to its end, and then nothing that it brought before',
      ],
    ],
  },
]

export const withheldDeletes: readonly Line[] = [
  {
    server: 'ends a full list early, empties it, or gives another one, without a sign of it',
    fetcher:
      'says that deletes are withheld; they stay so until a later walk is whole or a person releases that one walk',
    shownBy: [
      [
        'scenarios/withheld-deletes.test.ts',
        'a walk that ends at 20 of 60 deletes nothing, offsets move on, and status says so over restarts until a walk is whole again',
      ],
      [
        'scenarios/withheld-deletes.test.ts',
        'another list altogether deletes nothing, however long it is, nor does its second walk',
      ],
      [
        'scenarios/withheld-deletes.test.ts',
        'an empty answer deletes nothing; released by a person it deletes all, this once',
      ],
      [
        'scenarios/withheld-deletes.test.ts',
        'a walk that was released and cut off keeps the permission when the next run completes it',
      ],
    ],
  },
]

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
    shownBy: [[RETRY, `\${name}, whole and for ever unreadable, is said with its place and not asked for again`]],
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

/** What a person is shown of it. */
export const shownTexts: readonly Line[] = [
  {
    server: 'puts ANSI, C1, bidirectional and invisible characters into names, values and errors',
    fetcher: 'escapes them in tables, errors, logs, metrics and health answers, and stores them as they came',
    shownBy: [
      [
        'scenarios/hostile-text.test.ts',
        'ANSI, C1, bidirectional and invisible characters of an API reach no output of any command, and are stored as they came',
      ],
      ['shared/shown.unit.test.ts', `is shown with \${what} escaped`],
      [
        'shared/log.unit.test.ts',
        'steers no terminal as JSON: message, fields, names, errors and hints, also for who decodes the line',
      ],
      ['shared/log.unit.test.ts', 'steers no terminal in the pretty form, and begins no line of its own'],
      ['shared/metrics/metrics.unit.test.ts', 'a label of control characters is escaped in every kind of metric'],
      [
        'shared/health-server.test.ts',
        'a reason that a server gave steers no terminal where /readyz is read, and parses to what it was',
      ],
      ['cli/output.unit.test.ts', 'escapes what its cells hold, names and values, before it is measured'],
    ],
  },
  {
    server: 'makes names of 100,000 characters, or names without end',
    fetcher: 'cuts them where they are shown and counted, and counts those beyond a bound together',
    shownBy: [
      [
        'shared/shown.unit.test.ts',
        'of 100,000 characters is cut, says how long it was, and is never cut inside a character',
      ],
      ['shared/log.unit.test.ts', 'of 100,000 characters, fifty times, takes no megabytes'],
      [
        'shared/metrics/metrics.unit.test.ts',
        'long names and unlimited values share one label beyond the bound, for each stream apart',
      ],
    ],
  },
  {
    server: 'has long names, watermarks and messages',
    fetcher:
      'shows status and dead letters within 80 columns, and all of it with --wide; a reader that goes away ends no command',
    shownBy: [
      [
        'cli/status-layout.unit.test.ts',
        'fits 80 columns and narrower ones, with long names, watermarks, reasons and messages',
      ],
      ['cli/status-layout.unit.test.ts', 'fits 80 columns, with the issues and the origin below each letter'],
      [
        'operator/status/status.test.ts',
        'fits 80 columns as text, in a pipe whose reader may go, and counts what waits to be loaded in records',
      ],
      ['cli/output.unit.test.ts', 'ends the writing, and the command goes on to its own status'],
    ],
  },
  {
    server: 'gives an answer that makes a run fail',
    fetcher: 'logs the error once, with its code and what to do',
    shownBy: [
      ['shared/log.unit.test.ts', 'says its message once, its code, and what to do'],
      ['shared/log.unit.test.ts', 'is not repeated by the text beside it'],
    ],
  },
]

/** Why nothing happens. */
export const waits: readonly Line[] = [
  {
    server: 'fails, asks for a pause, gives no token, or has a quota that is spent',
    fetcher:
      'says so at info level: request, reason, attempt, how long and until when; bounded, with the number of what was not said',
    shownBy: [
      [
        'fetcher/http/wait-log.unit.test.ts',
        'is said once for a page that fails: request, reason, attempt, how long and until when',
      ],
      ['fetcher/http/wait-log.unit.test.ts', 'is the token, where its endpoint fails'],
      [
        'fetcher/http/wait-log.unit.test.ts',
        'is not said without end: of an API that always fails ten lines a minute, with the number of the others',
      ],
      ['fetcher/http/client.unit.test.ts', 'a long wait for the quota is told'],
    ],
  },
  {
    server: 'sends unknown fields with dots in their names, nulls, empty objects, mixed lists, numbers beyond 64 bits',
    fetcher: 'loses no record for them, and keeps them so that they come back as they came',
    shownBy: [
      [
        'loader/behaviour/extra.test.ts',
        'no record becomes a dead letter for what it has beyond its schema, and all of that comes back as it came',
      ],
      ['loader/behaviour/extra.test.ts', 'what ClickHouse refused is judged again with all of its unknown fields'],
      [
        'loader/behaviour/extra.test.ts',
        'a table from before gets the column with the first schema that has it, and its rows stay',
      ],
    ],
  },
]

export const everyLine: readonly Line[] = [
  ...requests,
  ...network,
  ...waits,
  ...shownTexts,

  ...pagination,
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
