/**
 * Names on Kafka and in ClickHouse. One prefix (default `headrace`) opens all topics and groups, so that several
 * installations can share a cluster. Source and stream names are lower-case without dots, which keeps the dead-letter
 * topics apart from records.
 */

export type StreamName = { source: string; stream: string }

export const NAME_PATTERN = /^[a-z][a-z0-9_-]{0,62}$/

export type Names = {
  /** Consumer group that owns writing; checkpoints are committed in it. */
  fetcherGroup: string
  /** Holds the checkpoints of one backfill; nobody joins it. */
  backfillGroup(range: string): string
  /** Opens the names of all of these. */
  backfillGroups: string
  /** Holds which page was left out last, by the regular runs or by those of a backfill (its group); nobody joins it. */
  skippedGroup(of: string): string
  /** Holds how the last attempt of each partition ended; nobody joins it. */
  attemptsGroup: string
  /** Holds which pauses a person has released; nobody joins it. */
  releasesGroup: string
  /** Holds which unknown fields of each stream the log has named; nobody joins it. */
  toldFieldsGroup: string
  /** Holds what the loader waits for; nobody joins it. */
  stallsGroup: string
  /** Consumer group of the loader; offsets and watermarks are committed in it. */
  loaderGroup: string
  /**
   * Below which offset of a dead-letter topic every letter is done; committed with what replays them. Nobody joins it.
   */
  lettersGroup: string
  /** Below which offset of a dead-letter topic every letter is in the ledger. Nobody joins it. */
  lettersLedgerGroup: string
  records(name: StreamName): string
  deadLetters(recordsTopic: string): string
  /** The stream of a topic of records; null for every other topic. */
  streamOf(topic: string): StreamName | null
  /** Names the writer of one partition: whoever initialises it last fences the others. */
  transactionalId(topic: string, partition: number): string
  subject(topic: string): string
}

const DEAD_LETTERS = '.dead-letters'

export function namesFor(prefix: string): Names {
  const opening = `${prefix}.`
  return {
    fetcherGroup: `${prefix}.fetcher`,
    backfillGroup: (range) => `${prefix}.backfill.${range}`,
    backfillGroups: `${prefix}.backfill.`,
    skippedGroup: (of) => `${prefix}.skipped${of.slice(prefix.length)}`,
    attemptsGroup: `${prefix}.attempts`,
    releasesGroup: `${prefix}.releases`,
    toldFieldsGroup: `${prefix}.told-fields`,
    stallsGroup: `${prefix}.stalls`,
    loaderGroup: `${prefix}.loader`,
    lettersGroup: `${prefix}.dead-letters`,
    lettersLedgerGroup: `${prefix}.dead-letters-ledger`,
    records: ({ source, stream }) => `${prefix}.${source}.${stream}`,
    deadLetters: (topic) => topic + DEAD_LETTERS,
    streamOf: (topic) => {
      if (!topic.startsWith(opening)) return null
      const [source, stream, ...rest] = topic.slice(opening.length).split('.')
      if (source === undefined || stream === undefined || rest.length > 0) return null
      return NAME_PATTERN.test(source) && NAME_PATTERN.test(stream) ? { source, stream } : null
    },
    transactionalId: (topic, partition) => `${topic}-${partition}`,
    subject: (topic) => `${topic}-value`,
  }
}

/** `source.stream`, as a person types it. */
export const label = ({ source, stream }: StreamName): string => `${source}.${stream}`

/** The loader's ledger of page markers; no stream may take its name. */
export const LEDGER_TABLE = 'headrace_pages'
/** The same of dead letters. */
export const LETTERS_TABLE = 'headrace_dead_letters'

/** ClickHouse identifiers need no quoting when dashes are gone. */
export const tableName = ({ source, stream }: StreamName): string => `${source}_${stream}`.replaceAll('-', '_')

/** The view of a table's newest rows; no stream may take its name. */
export const viewName = (table: string): string => `${table}_current`
