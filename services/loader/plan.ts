/**
 * What the loader would do with each table, and what it would refuse. Makes the same checks as the loader at its start,
 * and changes nothing. Plans a stream by its registered schema. Plans by its declaration where that may follow: the
 * schema is not registered yet, or the change is additive.
 */

import { WrongUse } from '#shared/errors.ts'
import type { Kafka } from '#shared/kafka/kafka.ts'
import { label, type Names, type StreamName } from '#shared/names.ts'
import { recordTopics } from '#shared/record-topics.ts'
import { streamReplication } from '#shared/replication.ts'
import { type SchemaDifference, schemaDifferences } from '#shared/schema/compatibility.ts'
import { annotationOf, type JsonSchema } from '#shared/schema/json-schema.ts'
import type { Registry } from '#shared/schema/registry.ts'
import { specOf } from './consume/schema-catalog.ts'
import { wasLoaded } from './consume/start-position.ts'
import type { Placement } from './table/ddl.ts'
import { type Finding, gone, warning } from './table/findings.ts'
import { NEW_TABLE, type TableChange } from './table/table-diff.ts'
import type { TableChecks } from './table/tables.ts'

export type StreamPlan = {
  stream: string
  table: string
  /** The schema on which the plan is based. */
  by: 'registered' | 'declared'
  /** Changes from the registered schema to the declared one; empty without a declaration. */
  schema: SchemaDifference[]
  /** What the loader does by itself, in this order. */
  steps: TableChange[]
  /** What blocks the table until a person runs the remedy, and what is only worth knowing. */
  findings: Finding[]
}

export type DeclaredStream = { label: string; wireSchema: JsonSchema }

export type PlanDeps = {
  kafka: Pick<Kafka, 'topics' | 'partitions' | 'committed' | 'replication' | 'topicSettings'>
  registry: Pick<Registry, 'latest'>
  tables: TableChecks
  names: Names
  at: Placement
}

/** Plans these streams, or all that are declared or have a topic. Throws WrongUse for an unknown stream. */
export async function planTables(
  deps: PlanDeps,
  declared: readonly DeclaredStream[],
  labels: readonly string[],
): Promise<StreamPlan[]> {
  const topics = new Map(
    (await recordTopics(deps.kafka, deps.names)).map((topic) => [labelOf(topic, deps.names), topic]),
  )
  const known = [...new Set([...declared.map((stream) => stream.label), ...topics.keys()])].sort()
  const unknown = labels.find((wanted) => !known.includes(wanted))
  if (unknown !== undefined) {
    throw new WrongUse('HR_UNKNOWN_STREAM', `unknown stream "${unknown}"`, {
      hint: known.length === 0 ? 'give a folder of declarations: --sources DIR' : `known streams: ${known.join(', ')}`,
    })
  }
  const plans: StreamPlan[] = []
  for (const stream of labels.length === 0 ? known : new Set(labels)) {
    const plan = await planStream(
      deps,
      stream,
      topics.get(stream) ?? null,
      declared.find((each) => each.label === stream)?.wireSchema ?? null,
    )
    if (plan !== null) plans.push(plan)
  }
  return plans
}

/** The label of a record topic's stream. */
const labelOf = (topic: string, names: Names): string => label(names.streamOf(topic) as StreamName)

/** Null for a topic without a schema of ours: it has no table. */
async function planStream(
  deps: PlanDeps,
  stream: string,
  topic: string | null,
  declared: JsonSchema | null,
): Promise<StreamPlan | null> {
  const registered = topic === null ? null : await deps.registry.latest(deps.names.subject(topic))
  const changes = registered === null || declared === null ? [] : schemaDifferences(registered.json, declared)
  const follows = declared !== null && changes.every(({ additive }) => additive)
  const json = follows || registered === null ? declared : registered.json
  const table = json === null ? undefined : annotationOf(json)?.table
  if (json === null || table === undefined) return null
  const head = { stream, table, by: json === declared ? 'declared' : 'registered', schema: changes } as const
  const copies = topic === null ? [] : await copiesFindings(deps, topic)
  const noted = [...changes.filter(({ additive }) => !additive).map(schemaFinding), ...copies]
  const spec = specOf({ id: registered?.id ?? 0, json })
  if (typeof spec === 'string') {
    const finding: Finding = {
      name: 'SCHEMA_COLUMN',
      severity: 'refused',
      message: spec,
      remedy: 'fix the column type in the declaration',
    }
    return { ...head, steps: [], findings: [...noted, finding] }
  }
  const { steps, findings } = await deps.tables.check(spec)
  const lost = topic !== null && steps.some(({ what }) => what === NEW_TABLE) && (await loadedBefore(deps, topic))
  if (lost) return { ...head, steps: [], findings: [...noted, { ...gone(deps.at, table), severity: 'refused' }] }
  return { ...head, steps, findings: [...noted, ...findings] }
}

const schemaFinding = ({ path, change }: SchemaDifference): Finding => ({
  name: 'SCHEMA_REFUSED',
  severity: 'refused',
  message: `the declared schema does not fit the registered one: ${path}: ${change}`,
  remedy: 'add fields as optional and keep the others; for a breaking change, declare a new stream',
})

async function copiesFindings({ kafka, names }: PlanDeps, topic: string): Promise<Finding[]> {
  return (await streamReplication(kafka, names, topic)).map(({ what, remedy }) => warning('FEW_COPIES', what, remedy))
}

async function loadedBefore({ kafka, names }: PlanDeps, topic: string): Promise<boolean> {
  return (await kafka.committed(names.loaderGroup, topic)).some(wasLoaded)
}
