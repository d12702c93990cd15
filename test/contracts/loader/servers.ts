/** What the loader survives: answers and absences of its servers, and who asks for its health. */
import type { Shown } from '../shown.ts'
import { type Line, RANDOM_FAULTS } from './line.ts'

const ANSWERS = 'loader/behaviour/insert-answers.test.ts'
const TABLES = 'loader/behaviour/table-problems.test.ts'
const STOP = 'loader/behaviour/stop.test.ts'
const SHARDS = 'loader/behaviour/sharded.test.ts'
const SERVERS = 'faults/loader-servers.test.ts'
const HELD = 'loader/behaviour/held-back.test.ts'
const BROKER = 'faults/broker-midway.test.ts'
const NETWORK = 'faults/kafka-network.test.ts'
const HEALTH = 'scenarios/health.test.ts'
const PIPELINE_SERVERS = 'faults/pipeline-servers.test.ts'
const INSERT_KILLED: Shown = [
  'faults/clickhouse-midway.test.ts',
  `an insert that is \${what}: it stays away, no process ends, and no row is there twice even without FINAL`,
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
    when: 'Kafka or the registry is away, or refuses it, when it starts; or there is no topic yet',
    loader:
      'says why it is not ready, tries again after growing pauses and starts by itself; without a topic it is ready',
    shownBy: [
      [HEALTH, 'starts before Kafka, says that it waits for it, and works when it is there'],
      [HEALTH, 'whose registry refuses it is never ready, and says why; the same with one that is away'],
      [HEALTH, 'that loads is ready without a topic, and loads the first one when it comes'],
      ['scenarios/kafka-acls.test.ts', 'a login that Kafka refuses is why a service is not ready'],
      ['cli/mistakes.test.ts', 'a service without Kafka waits for it, and says so with the hint'],
      [
        'shared/health.unit.test.ts',
        'a server that has not answered yet is a reason from the start, with what it says',
      ],
      [
        'shared/until-permitted.unit.test.ts',
        'Kafka or a registry that is away at the start is waited for, and ends work that has started',
      ],
    ],
  },
  {
    when: 'clients open connections to its health server and leave them standing',
    loader: 'keeps the newest few, answers every probe, and closes those that say nothing',
    shownBy: [
      ['shared/health-server.test.ts', `2,000 that \${name} do not stay, and /livez is answered meanwhile`],
      ['shared/health-server.test.ts', 'the few that are left are closed when they have said nothing for long'],
    ],
  },
]
