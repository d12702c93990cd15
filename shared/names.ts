/**
 * Names in Kafka and in ClickHouse. All topics and groups start with one prefix (default `headrace`), so several
 * installations can share a cluster. Source and stream names are lower-case without dots, which keeps dead-letter
 * topics apart from records topics.
 */

export type StreamName = { source: string; stream: string }

export const NAME_PATTERN = /^[a-z][a-z0-9_-]{0,62}$/

export type Names = {
  /** Opens the names of all groups. */
  groups: string
  /** Consumer group that owns writing; checkpoints are committed in it. */
  fetcherGroup: string
  /** Holds the checkpoints of one backfill; it has no members. */
  backfillGroup(range: string): string
  /** Opens the names of all of these. */
  backfillGroups: string
  /** Holds the last skipped page, of the regular runs or of a backfill (by its group); it has no members. */
  skippedGroup(of: string): string
  /** Opens the names of all of these. */
  skippedGroups: string
  /** Holds how the last attempt of each partition ended; it has no members. */
  attemptsGroup: string
  /** Holds which pauses a person has released; it has no members. */
  releasesGroup: string
  /** Holds which unknown fields of each stream were already logged; it has no members. */
  reportedFieldsGroup: string
  /** Holds what the loader is waiting for; it has no members. */
  stallsGroup: string
  /** Consumer group of the loader; offsets and watermarks are committed in it. */
  loaderGroup: string
  /**
   * The offset of a dead-letter topic below which every dead letter is done. Committed together with the replay; it has
   * no members.
   */
  lettersGroup: string
  /** The offset of a dead-letter topic below which every dead letter is in the ledger. It has no members. */
  lettersLedgerGroup: string
  records(name: StreamName): string
  deadLetters(recordsTopic: string): string
  /** The stream of a topic of records; null for every other topic. */
  streamOf(topic: string): StreamName | null
  /** The transactional id of one partition's writer: the last to initialise it fences the others. */
  transactionalId(topic: string, partition: number): string
  subject(topic: string): string
}

const DEAD_LETTERS = '.dead-letters'

export function namesFor(prefix: string): Names {
  const opening = `${prefix}.`
  return {
    groups: opening,
    fetcherGroup: `${prefix}.fetcher`,
    backfillGroup: (range) => `${prefix}.backfill.${range}`,
    backfillGroups: `${prefix}.backfill.`,
    skippedGroup: (of) => `${prefix}.skipped${of.slice(prefix.length)}`,
    skippedGroups: `${prefix}.skipped.`,
    attemptsGroup: `${prefix}.attempts`,
    releasesGroup: `${prefix}.releases`,
    reportedFieldsGroup: `${prefix}.told-fields`,
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
/** The ledger of dead letters. */
export const LETTERS_TABLE = 'headrace_dead_letters'

/** The column by which FINAL finds the newest version of a row. */
export const VERSION_COLUMN = '_version'

/** ClickHouse identifiers need no quoting once dashes are replaced. */
export const tableName = ({ source, stream }: StreamName): string => `${source}_${stream}`.replaceAll('-', '_')

/** The view of a table's newest rows; no stream may take its name. */
export const viewName = (table: string): string => `${table}_current`
