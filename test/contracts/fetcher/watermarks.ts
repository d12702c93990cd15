/** What the fetcher promises of watermarks, resumed runs, backfills and partitions. */
import type { Line } from '../shown.ts'

const KEYSET = 'fetcher/pages/paginators/keyset.unit.test.ts'
const WINDOWS = 'fetcher/behaviour/time-windows.unit.test.ts'
const CLOCK = 'fetcher/behaviour/clock.test.ts'
const STAMPS = 'fetcher/publish/stamps.unit.test.ts'
const JUDGE = 'fetcher/validate/validate.unit.test.ts'
const RESUME = 'fetcher/behaviour/resume.test.ts'
const RUN = 'fetcher/run.test.ts'
const WATERMARK = 'shared/watermark.unit.test.ts'
const PROPERTY = 'scenarios/property.test.ts'
const RANDOM_APIS = `seeds \${seeds[0]} to \${seeds.at(-1)}`
const INCREMENTAL_PARENTS = 'fetcher/behaviour/incremental-parents.unit.test.ts'
const FOUND_VALUES = 'fetcher/behaviour/found-values.unit.test.ts'

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
    server: 'has records below each record of another stream, which changes whenever one of them does',
    fetcher: 'asks only for those below what has changed, for all of them from time to time, and loses none of them',
    shownBy: [
      [
        INCREMENTAL_PARENTS,
        'is read as a whole at first, then from where it was, and only changed parents have their children asked',
      ],
      [INCREMENTAL_PARENTS, 'nothing is lost, whatever changes while it is read, fails, or is killed'],
      [INCREMENTAL_PARENTS, 'stays where it was when a slice fails, and its children are asked again'],
      [
        INCREMENTAL_PARENTS,
        'keeps the position of the run that was killed: what has changed since then is for the next one',
      ],
      [INCREMENTAL_PARENTS, 'is read as a whole again by fullEvery, and children without a changed parent come then'],
      [INCREMENTAL_PARENTS, 'holds the watermark at the time of a discovery that another partition has made'],
      [
        'faults/pipeline-kill-shares.test.ts',
        `by \${how}, \${name}, every share goes on where it was, and none is left out`,
      ],
      [
        'scenarios/found-values.test.ts',
        'each order of each region and account is one row, and only changed accounts are asked again',
      ],
    ],
  },
  {
    server: 'has records by combinations: of declared values, parents, lists in their records and grandparents',
    fetcher: 'asks for each combination once, within a bound, and says what lacks or does not fit before it asks',
    shownBy: [
      [FOUND_VALUES, 'are each element of a list of the parent, by pointers or by a function'],
      [FOUND_VALUES, 'are products of lists and parents'],
      [FOUND_VALUES, 'of a product beyond its bound are refused before any of them is asked'],
      [FOUND_VALUES, 'are a union of parents, functions and lists, each slice once'],
      [FOUND_VALUES, 'have values of a grandparent'],
      [FOUND_VALUES, 'are in the path, for functions, for the envelope and for map, and are no parameters'],
      [FOUND_VALUES, 'make no other slice when they change'],
      [FOUND_VALUES, 'a record key does not change with what does not identify the slice'],
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
