/**
 * What the loader survives, line by line, and the tests that show it. Whatever happens, the end is the same: for each
 * key FINAL shows the newest version of all that the topic holds; what is in the topic is in the table or in the dead
 * letters; offsets only grow unless a person sets them back; no watermark is ahead of the table.
 */
import type { Shown } from './shown.ts'

export type Line = { when: string; loader: string; shownBy: readonly Shown[] }

const ANSWERS = 'loader/behaviour/insert-answers.test.ts'
const BAD = 'loader/behaviour/bad-rows.test.ts'
const TABLES = 'loader/behaviour/table-problems.test.ts'
const ISOLATE = 'loader/insert/isolate-rows.unit.test.ts'
const FLOOD = 'loader/failures/rejection-limit.unit.test.ts'
const SPLICE = 'loader/splice/splice.unit.test.ts'
const MODEL = 'loader/behaviour/commits.unit.test.ts'
const STOP = 'loader/behaviour/stop.test.ts'
const LOAD = 'loader/behaviour/load.test.ts'
const KILLED = 'faults/loader-kill.test.ts'
const GROUP = 'faults/loader-group.test.ts'
const SHARDS = 'loader/behaviour/sharded.test.ts'
const SERVERS = 'faults/loader-servers.test.ts'
const GAP = 'faults/loader-gap.test.ts'
const HELD = 'loader/behaviour/held-back.test.ts'
const BROKER = 'faults/broker-midway.test.ts'
const NETWORK = 'faults/kafka-network.test.ts'
const PIPELINE_KILLED = 'faults/pipeline-kill-loader.test.ts'
const PIPELINE_SERVERS = 'faults/pipeline-servers.test.ts'
const STOPPED = 'scenarios/stopped-loader.test.ts'
const STOPS = 'scenarios/stop.test.ts'
const LOST = 'scenarios/lost-log.test.ts'

const NO_COMMIT_PASSES: Shown = [
  MODEL,
  'no commit passes an unresolved record, in any order of answers, crashes and rebalances',
]
const INSERT_KILLED: Shown = [
  'faults/clickhouse-midway.test.ts',
  `an insert that is \${what}: it stays away, no process ends, and no row is there twice even without FINAL`,
]
const RANDOM_FAULTS: Shown = [
  'faults/random.test.ts',
  'random faults, one after the other: nothing is lost, nothing is twice, and no watermark runs ahead',
]
const PIPELINE_KILL: Shown = [
  PIPELINE_KILLED,
  `\${name}, everything is loaded, and the watermark was never ahead of the table`,
]

const DOUBTED = 'loader/behaviour/doubted-markers.test.ts'
const VERIFY_MARKS = 'operator/verify-marks.test.ts'

export const killed: readonly Line[] = [
  {
    when: 'it is killed between an insert and its commit',
    loader: 'inserts the rows again, and FINAL is the same',
    shownBy: [
      [KILLED, 'after the insert, before the commit: inserted again, FINAL the same'],
      PIPELINE_KILL,
      NO_COMMIT_PASSES,
    ],
  },
  {
    when: 'it is killed while the body of an insert is on its way',
    loader: 'has committed nothing of it, and nothing is lost',
    shownBy: [[KILLED, "in the middle of an insert's body: no commit, nothing lost"], PIPELINE_KILL],
  },
  {
    when: 'it is killed again and again, or beside another one that joins',
    loader: 'goes on where it had committed',
    shownBy: [
      [KILLED, 'again and again while batches are under way: nothing lost, nothing twice, offsets only grow'],
      [PIPELINE_KILLED, 'while another one joins, that one loads everything'],
    ],
  },
  {
    when: 'it is told to stop under load',
    loader: 'inserts and commits what it has, and ends with 0 within its deadline; a second signal ends it at once',
    shownBy: [
      [STOP, 'under load inserts what was read, commits it and leaves: the next one begins exactly there'],
      [STOP, 'while a table takes nothing does not wait for it, and commits nothing'],
      [KILLED, 'ends it in order with exit status 0'],
      [KILLED, 'a second signal ends it at once, whatever is in hand'],
      [
        STOPS,
        `by \${signal} under load ends both services with 0: what was asked for is published, what was inserted is committed`,
      ],
      [STOPS, 'of a loader waits for the insert in hand and commits it'],
      [STOPS, 'of a loader whose insert hangs ends by a second signal, or at the deadline, with nothing committed'],
    ],
  },
]

export const servers: readonly Line[] = [
  {
    when: 'ClickHouse is killed, also in the middle of an insert, and comes back later',
    loader: 'waits, says so once, and goes on; no process ends',
    shownBy: [
      INSERT_KILLED,
      [SERVERS, 'ClickHouse: the loader waits, says so once, goes on, and nothing is lost'],
      [
        PIPELINE_SERVERS,
        `\${server} under a running pipeline, and its restart: everything arrives, and no process exits`,
      ],
    ],
  },
  {
    when: 'an insert goes in and its answer is lost',
    loader: 'sends the same bytes by the same name, and no row is there twice even without FINAL',
    shownBy: [
      [
        ANSWERS,
        'that is cut after the insert succeeded: the same bytes with the same token again, and no row twice even without FINAL',
      ],
      INSERT_KILLED,
      [
        'loader/behaviour/hand-made-table.test.ts',
        'of the right form is taken, with what it has besides, and its inserts are remembered from then on',
      ],
    ],
  },
  {
    when: 'one of several shards cannot take its rows, or is away, while the others have theirs already',
    loader:
      'sends the same bytes by the same name until all have them, commits nothing before, and no row is there twice even without FINAL',
    shownBy: [
      [SHARDS, 'waits for a shard that cannot take its rows, and counts what the other one had already once'],
      [SHARDS, 'has every row once after loaders that were killed'],
    ],
  },
  {
    when: 'parts of a table become more than ClickHouse merges',
    loader: 'makes fewer and larger inserts before they are refused, until the parts are merged',
    shownBy: [
      ['loader/behaviour/too-many-parts.test.ts', 'many parts make inserts fewer and larger, until they are merged'],
      [
        'loader/batch/adaptive-limits.unit.test.ts',
        'are stretched twice as far at each look while parts come near the delay, up to a bound, and back once they are few',
      ],
    ],
  },
  {
    when: 'ClickHouse answers 200 with an exception in a header or in the body, or a proxy answers in its place',
    loader: 'takes it for no success, and for no verdict on a row',
    shownBy: [
      [ANSWERS, `200 with an exception in \${what} is a failure`],
      [ANSWERS, 'from a proxy that has lost its server is no success and no verdict on a row'],
      [ANSWERS, 'that nobody knows holds the table back and blames no row'],
      [ANSWERS, 'to a body that was cut on its way: nothing of it counts'],
    ],
  },
  {
    when: 'the broker is killed: while records are fetched, in a commit, in a transaction of the fetcher',
    loader: 'joins again by itself, without a gap and without a duplicate',
    shownBy: [
      [BROKER, 'a commit: offsets do not go back, and nothing is missing'],
      [BROKER, 'a transaction of the fetcher: all of its page is loaded or nothing, and what comes after it'],
      [SERVERS, 'the broker: the loader joins again by itself, without a gap and without a duplicate'],
      [
        PIPELINE_SERVERS,
        `\${server} under a running pipeline, and its restart: everything arrives, and no process exits`,
      ],
      RANDOM_FAULTS,
    ],
  },
  {
    when: 'the network to Kafka loses a request or its answer, cuts an answer in its middle, or is silent for longer than the session',
    loader: 'asks again, commits again in the same assignment where it may, joins again where not, and nothing is lost',
    shownBy: [
      [
        NETWORK,
        `whose commits meet "\${mishap}" commits again in the same assignment: offsets do not go back, nothing is missing`,
      ],
      [NETWORK, 'whose connections are cut in the middle of the records that it fetches fetches them again'],
      [
        NETWORK,
        'that gets no answer until its group has given it up, and then all of them, joins again and loses nothing',
      ],
      [
        'shared/kafka/network.test.ts',
        `each request that meets "\${mishap}" costs no record, and it goes on by itself`,
      ],
      RANDOM_FAULTS,
    ],
  },
  {
    when: 'the network loses answers to what a fetcher publishes',
    loader: 'finds each page once, or not at all until it is published again',
    shownBy: [
      [
        NETWORK,
        `whose every kind of request to publish and to commit meets "\${mishap}" loses nothing, doubles nothing, asks for no page twice`,
      ],
      [
        'shared/kafka/network.test.ts',
        `each request that meets "\${mishap}" leaves a page with its checkpoint or neither, and the next fence tells`,
      ],
    ],
  },
  {
    when: 'the registry is down, at the start or later',
    loader: 'waits for it, and goes on with the schemas that it knows',
    shownBy: [
      [STOP, 'at the start is waited for; later, known schemas are loaded on and an unknown one waits alone'],
      [SERVERS, 'the registry: known schemas are loaded on'],
    ],
  },
  {
    when: 'ClickHouse has too many parts or no memory left',
    loader: 'inserts less often, and less at once, within its bound of memory, until it goes in',
    shownBy: [
      [
        'loader/behaviour/storm.test.ts',
        'a storm of 252 and 241 slows the loader down, its memory stays as it is, and all is loaded when it is over',
      ],
      [HELD, 'too many parts'],
      [ANSWERS, 'of 252 (too many parts): slower, bounded memory, recovers'],
      [ANSWERS, 'of 241 (memory): smaller inserts until they go in'],
      [
        'loader/insert/overload-backoff.unit.test.ts',
        'an answer of an overloaded server holds the inserts of all tables, longer with each in a row, and not after one that went in',
      ],
      ['loader/consume/in-flight-limit.unit.test.ts', 'lets one topic have most of it, never all'],
    ],
  },
  {
    when: 'the table is gone, a column was dropped or retyped by hand, the login is refused, or the disk is full',
    loader: 'waits without a commit and without a dead letter, and goes on by itself when that is put right',
    shownBy: [
      [TABLES, 'missing: nothing is made anew in silence'],
      [
        TABLES,
        'missing since before the start, though rows of it were confirmed: said instead of loaded from the middle',
      ],
      [TABLES, 'a required column dropped by hand'],
      [TABLES, 'a column retyped by hand'],
      [
        TABLES,
        'a wrong password at the start: a service waits, a one-shot load ends with a hint; both without a commit',
      ],
      [HELD, 'a disk that is full'],
      [HELD, 'a password that is another one now'],
      [TABLES, `\${what}: the table waits, another one goes on, and it goes on by itself`],
      [
        'loader/behaviour/own-rows.unit.test.ts',
        'the loader blames none: the ledger waits for its table whatever is said',
      ],
      [
        'operator/check.test.ts',
        'in a table is told with its reason and since when, also after a restart of the loader',
      ],
      [
        'loader/failures/stall-notes.unit.test.ts',
        'a wait that passes soon is not stored, and one that lasts is, once, with its time',
      ],
    ],
  },
]

export const probes: readonly Line[] = [
  {
    when: 'clients open connections to its health server and leave them standing',
    loader: 'keeps the newest few, answers every probe, and closes those that say nothing',
    shownBy: [
      ['shared/health-server.test.ts', `2,000 that \${name} do not stay, and /livez is answered meanwhile`],
      ['shared/health-server.test.ts', 'the few that are left are closed when they have said nothing for long'],
    ],
  },
]

export const group: readonly Line[] = [
  {
    when: 'another loader joins, leaves and joins in the middle of batches',
    loader: 'commits nothing that is no longer its own, and whoever owns it goes on from the committed offset',
    shownBy: [
      [
        GROUP,
        'joins, leaves and joins in the middle of batches: partitions are shared, offsets only grow, nothing is lost or twice',
      ],
      NO_COMMIT_PASSES,
    ],
  },
  {
    when: 'it stands still for longer than its session',
    loader: 'does no harm with a late insert, is refused its commit, and joins again',
    shownBy: [
      [GROUP, 'does no harm with its late insert; its commit is refused and it joins again'],
      [
        'faults/loader-late-insert.test.ts',
        'an insert of a loader that stands still goes in after newer versions were loaded and committed: FINAL and commits are as they were',
      ],
      NO_COMMIT_PASSES,
      RANDOM_FAULTS,
    ],
  },
  {
    when: 'a person sets its offsets back to the beginning, and old versions come after newer ones, twice',
    loader: 'leaves FINAL as it was, and the API is asked for nothing',
    shownBy: [
      [LOAD, 'offsets reset to the beginning, with older versions after newer ones, twice: FINAL stays the same'],
      [LOAD, 'a replay of a table that was dropped makes it anew'],
      [STOPPED, `\${how}, everything is loaded again, the table stays the same, and the API is asked for nothing old`],
    ],
  },
  {
    when: 'retention took records before it read them, or the topic was made anew',
    loader: 'says which, keeps its watermark, and the fetcher asks again from there',
    shownBy: [
      [
        GAP,
        'are named with their bounds; the watermark waits for the fetcher, who still sees the gap after loading went on',
      ],
      [
        GAP,
        'and before any loader had committed anything are lost as well: they are named, and no watermark hides them',
      ],
      [GAP, 'with nothing left behind them move the position all the same, so a one-shot load ends'],
      [GAP, 'is read from its start, and its rows go in although their offsets were there before'],
      [
        'loader/consume/group-member.unit.test.ts',
        'a gap that an assignment before has met says nothing of the present one, which began behind it',
      ],
      NO_COMMIT_PASSES,
      [LOST, 'the next run starts at the confirmed watermark, and log, metric and status say what was lost'],
      [LOST, 'a loader that moves on first hides nothing: the watermark waits for the fetcher'],
      [LOST, 'a topic that was deleted is made anew and filled again'],
    ],
  },
]

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

export const everyLine: readonly Line[] = [...killed, ...servers, ...probes, ...group, ...records]
