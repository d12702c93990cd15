/** What the loader survives: records, tables and schemas that do not fit. */
import { type Line, NO_COMMIT_PASSES } from './line.ts'

const BAD = 'loader/behaviour/bad-rows.test.ts'
const ISOLATE = 'loader/insert/isolate-rows.unit.test.ts'
const FLOOD = 'loader/failures/rejection-limit.unit.test.ts'
const SPLICE = 'loader/splice/splice.unit.test.ts'
const DOUBTED = 'loader/behaviour/doubted-markers.test.ts'
const VERIFY_MARKS = 'operator/verify-marks.test.ts'

export const records: readonly Line[] = [
  {
    when: 'a complete walk is missing most rows of its partition, or all of them',
    loader:
      'deletes nothing, moves on, and keeps in its commit what it has withheld until a walk is within the bounds or released',
    shownBy: [
      [
        'scenarios/withheld-deletes.test.ts',
        'the bounds are as declared: fewer rows, a larger share, all of them; a changed declaration counts from its next walk on',
      ],
      [
        'scenarios/withheld-deletes.test.ts',
        'few rows are deleted whatever their share, but never all that were there',
      ],
    ],
  },
  {
    when: 'a page marker of another program claims a complete walk, or a watermark of the year 3000',
    loader:
      'believes it only within what the registered schema declares and near its own time; says so, and loads what follows',
    shownBy: [
      [DOUBTED, `\${what} deletes nothing, and what follows it is loaded`],
      [DOUBTED, 'deletes nothing in a stream that does not declare deletes, also after it is released by hand'],
      [
        DOUBTED,
        'waits where the schema was registered before deletes, until the fetcher has registered it again; the loader runs on',
      ],
      [VERIFY_MARKS, `\${what}: 1,500 records and none shown do not agree`],
      [VERIFY_MARKS, 'rows that a complete walk deleted are told with the walk, and are no difference'],
      [
        DOUBTED,
        'a watermark far beyond its message holds the confirmed one, and status says so until one is believed again',
      ],
    ],
  },
  {
    when: 'one record of ten thousand is refused, or a hundred here and there',
    loader:
      "puts those into the dead letters, with ClickHouse's words and their place, in a bounded number of inserts, and loads all others",
    shownBy: [
      [BAD, 'one of 10,000 goes to the dead letters with code, message and origin; 9,999 are loaded'],
      [BAD, '100 scattered ones that break the schema are found in a handful of inserts'],
      [BAD, 'scattered ones that the schema allows and ClickHouse does not are found as well'],
      [BAD, 'a bad record that blames its neighbour does not take it along'],
      [ISOLATE, 'refuses every bad row and no other, loads all the rest, however rows are named'],
      [ISOLATE, 'takes a handful of inserts when the schema knows better, and one or two a row when it does not'],
      [ISOLATE, 'gives up after a bounded number of inserts'],
    ],
  },
  {
    when: 'a third of the records is refused',
    loader: 'pauses the topic and says so, instead of filling the dead letters',
    shownBy: [
      [
        BAD,
        'a third of a batch: the topic pauses and says so, no dead letter, no commit; moved past them by a person, it goes on',
      ],
      [BAD, 'a quiet stream whose records are all refused pauses after the first few'],
      [BAD, 'a topic of messages that are mostly no frames pauses as well: no row, no dead letter, no commit'],
      [FLOOD, 'is a third of many, never a few'],
    ],
  },
  {
    when: 'the dead-letter topic refuses, or is gone',
    loader: 'commits nothing behind the bad record until its letter is confirmed, and makes the topic again',
    shownBy: [
      [BAD, 'no commit passes the bad record until the letter is confirmed'],
      [
        'loader/behaviour/letters-refused.test.ts',
        'any more is made again under a running loader, and nothing behind the bad record is committed before',
      ],
      NO_COMMIT_PASSES,
    ],
  },
  {
    when: 'a message is no frame of one record: no magic byte, an unknown schema, cut, empty, several objects, ten megabytes',
    loader: 'makes it a dead letter, loads what is only large, and everything around it',
    shownBy: [
      [BAD, 'each kind is a dead letter by its reason, and everything around it is loaded'],
      [BAD, 'a record of 10 MB is loaded'],
      [
        'loader/behaviour/letters-refused.test.ts',
        'yet is made so that a bad record of 10 MB fits, with its bytes and its reason',
      ],
      [BAD, "a frame of another stream's schema is refused, since its rows belong elsewhere"],
      [SPLICE, 'what is no frame becomes a letter with its bytes and a reason, and counts as read'],
      [
        'loader/behaviour/several-objects.test.ts',
        'a value of several objects is one dead letter and no row, also where a view reads from the table; its neighbours are loaded',
      ],
      ['loader/splice/single-object.unit.test.ts', 'are more than one where ClickHouse would read on behind the first'],
    ],
  },
  {
    when: 'a page marker is forged or damaged: long texts, numbers without bound, no Unicode, no JSON',
    loader: 'makes it a dead letter that says what is wrong; its topic and every other go on, after each restart too',
    shownBy: [
      [
        'loader/behaviour/forged-markers.test.ts',
        'forged markers are dead letters that say what is wrong; their topic and the others go on, after a restart too',
      ],
      [
        'loader/behaviour/forged-markers.test.ts',
        'a watermark of kind text may be as long as it likes: the offset moves, and what is confirmed is its beginning',
      ],
      [
        'shared/progress/offset-metadata.unit.test.ts',
        'always fits, whatever the marker or the group said before, and keeps its offset',
      ],
    ],
  },
  {
    when: 'the work of one topic meets an error that nobody expected',
    loader: 'holds up that topic, names partition and offset, tries again, and loads the others',
    shownBy: [
      [
        'loader/behaviour/defects.unit.test.ts',
        'in a batch: its topic waits with partition and offset, letters are sent once, and the batch is committed at last',
      ],
      [
        'loader/behaviour/defects.unit.test.ts',
        'in reading a batch or a schema: the partition is asked for again, and other topics are taken meanwhile',
      ],
    ],
  },
  {
    when: 'a one-shot load meets what only a person can put right, or a server that is busy or away for a while',
    loader: 'loads everything else, then ends with the refusal, its remedy and status 1; waits, within a bound',
    shownBy: [
      [
        'loader/consume/caught-up.test.ts',
        'of a refused table loads the others, and ends with the refusal, its remedy and status 1; put right, it ends well',
      ],
      ['loader/consume/caught-up.test.ts', 'that meets an overloaded server waits for it and ends well'],
      ['loader/consume/caught-up.unit.test.ts', 'ends when nothing has moved for long, whatever it waits for'],
    ],
  },
  {
    when: 'the address of the registry has no path, or a proxy or another service answers there',
    loader:
      'says so and waits, or ends with a hint; no record becomes a dead letter for it, and no table is said to be gone that never was',
    shownBy: [
      [
        'loader/behaviour/foreign-registry.test.ts',
        'a one-shot load ends with a hint, a service waits; no dead letter, no commit; with the path, all is loaded',
      ],
      [
        'loader/behaviour/foreign-registry.test.ts',
        'a table that never was is not gone: after dead letters alone, the first good record makes it',
      ],
      [
        'shared/schema/registry-answer.unit.test.ts',
        `is said for \${what}, whatever is asked, and is never taken for a registry without the schema`,
      ],
    ],
  },
  {
    when: 'the registry has a schema of a topic that no validator takes',
    loader:
      'holds that topic up, names the schema and what to do, and a one-shot load ends with it; no record becomes a dead letter for it',
    shownBy: [
      [
        'shared/schema/registry-answer.unit.test.ts',
        `with a schema \${what} is not away: the schema is named, and waiting does not help`,
      ],
    ],
  },
  {
    when: 'a declaration names columns that no table can have, or a type that is none',
    loader:
      'never meets them: they are refused when the declaration is loaded; odd names and types that can be are made and come back as they came',
    shownBy: [
      ['shared/schema/column-set.unit.test.ts', `for \${what}`],
      [
        'loader/behaviour/strange-columns.test.ts',
        'names with dots, quotes and words of SQL come back as they came, as keys too, and the table is taken as it is at the next start',
      ],
      [
        'loader/behaviour/strange-columns.test.ts',
        `\${type} is accepted, and makes a column that is the same at the next look`,
      ],
      [
        'loader/behaviour/strange-columns.test.ts',
        'a watermark in any column that the declaration lets pass orders the versions',
      ],
    ],
  },
]
