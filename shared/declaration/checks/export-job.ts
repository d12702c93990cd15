/**
 * Checks of an export job together with the rest of its stream: what stands in its paths, and what a walk of jobs
 * cannot promise. Each check throws what `refuse` makes.
 */
import type { Refuse } from '../mistakes/mistakes.ts'
import { downloadOf, type ExportJobSpec, writtenOut } from '../paginate/export-job.ts'
import { exportJobOf } from '../paginate/paginate.ts'
import type { StreamSpec } from '../source-spec.ts'

export function checkExportJob(spec: StreamSpec, refuse: Refuse): void {
  const { paginate, deletes } = spec
  const job = exportJobOf(paginate)
  if (job === null) return
  const prefix = paginate.kind === 'windows' ? 'paginate.pages.' : 'paginate.'
  if (job.empty !== undefined && deletes !== undefined)
    throw refuse(`${prefix}empty`, 'a job without data would mark every row deleted', 'take empty or deletes away')
  if (paginate.kind === 'windows' && paginate.cap !== undefined)
    throw refuse('paginate.cap', 'an export is whole, so no window of it hits a cap', 'take cap away')
  for (const { field, path, names } of pathsOf(job))
    checkPath(spec, job, { field: `${prefix}${field}`, path, names }, refuse)
}

type JobPath = { field: string; path: unknown; names: readonly string[] }

function pathsOf(job: ExportJobSpec): JobPath[] {
  const { path, parts } = downloadOf(job)
  return [
    { field: 'poll', path: writtenOut(job.poll, 'GET').path, names: [] },
    { field: 'download.path', path, names: parts === undefined ? [] : ['part'] },
    { field: 'remove', path: job.remove === undefined ? null : writtenOut(job.remove, 'DELETE').path, names: [] },
  ]
}

/** The values of a job that a function names, and those of discovered partitions, are known only later. */
function checkPath(
  { partitions }: StreamSpec,
  job: ExportJobSpec,
  { field, path, names }: JobPath,
  refuse: Refuse,
): void {
  const isOpen = typeof job.job === 'function' || (typeof partitions === 'object' && !Array.isArray(partitions))
  if (typeof path !== 'string' || isOpen) return
  const values = Array.isArray(partitions) ? Object.keys(partitions[0] ?? {}) : []
  const known = ['job', ...names, ...values]
  const unknown = [...path.matchAll(/\{([^{}]*)\}/g)]
    .map(([, name]) => name ?? '')
    .find((name) => !known.includes(name))
  if (unknown === undefined) return
  throw refuse(field, `{${unknown}} has no value`, `it can have: ${known.map((name) => `{${name}}`).join(', ')}`)
}
