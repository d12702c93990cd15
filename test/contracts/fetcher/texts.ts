/** What a person is shown: texts of the API, and why a source waits. */
import type { Line } from '../shown.ts'

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
