/**
 * What an answer says about a job: it runs, it is done, it has failed, it has no data, or the API has dropped it. A
 * status that no declared value names means that the job runs, unless the declaration lists those as well. Pure.
 */
import type { Stream } from '#shared/declaration/compile.ts'
import type { AnswerPlace, ExportJobSpec, JobHandle, StatusRule } from '#shared/declaration/paginate/export-job.ts'
import { messageOf, Stopped } from '#shared/errors.ts'
import { valueAt } from '#shared/json-pointer.ts'
import { excerptOf } from '../../http/describe.ts'
import type { PageResponse } from '../../http/messages.ts'
import { isDeclaredEmpty } from '../records-of.ts'

export type JobState = 'running' | 'done' | 'failed' | 'empty' | 'expired'
/** `says`: the status, and the reason of a failure where the API gives one. */
export type JobStatus = { state: JobState; says: string }

const ACCEPTED = 202
/** A failure precedes an end, and an end precedes a job that runs. */
const STATES = ['failed', 'expired', 'empty', 'done'] as const

/** Throws Stopped (HR_JOB_STATUS) for an answer without the declared status, or with one that is not declared. */
export function jobStatus(stream: Stream, spec: ExportJobSpec, job: JobHandle, response: PageResponse): JobStatus {
  if (isDeclaredEmpty(stream, response)) return { state: 'empty', says: `status ${response.status}` }
  const { status, headers, body, redact = (text: string) => text } = response
  const answer = { status, headers, body, job }
  const wrong = (what: string) =>
    new Stopped('HR_JOB_STATUS', `${stream.label}: the status of export job ${shownJob(job)}: ${what}`, {
      hint: 'correct status, done, failed or running in exportJob',
    })

  function read(place: AnswerPlace | undefined, field: string): unknown {
    if (place === undefined) return undefined
    if (typeof place === 'string') return valueAt(body, place)
    try {
      return place(answer)
    } catch (error) {
      throw wrong(`the function ${field} throws: ${redact(messageOf(error))}`)
    }
  }

  const found = read(spec.status, 'status')

  function fits(rule: StatusRule | undefined, field: string): boolean {
    if (rule === undefined) return false
    if (typeof rule !== 'function') return [rule].flat().some((value) => value === found || String(value) === found)
    try {
      return rule(answer) === true
    } catch (error) {
      throw wrong(`the function ${field} throws: ${redact(messageOf(error))}`)
    }
  }

  const shown = isScalar(found) ? redact(excerptOf(String(found))) : `status ${status}`
  for (const state of STATES) {
    if (!fits(spec[state], state)) continue
    const message = state === 'failed' ? read(spec.message, 'message') : undefined
    return { state, says: isScalar(message) ? `${shown}: ${redact(excerptOf(String(message)))}` : shown }
  }
  const isMissing = spec.status !== undefined && (found === undefined || found === null)
  if (fits(spec.running, 'running') || (isMissing && status === ACCEPTED)) return { state: 'running', says: shown }
  if (isMissing)
    throw wrong(typeof spec.status === 'string' ? `nothing is at "${spec.status}"` : 'its function finds none')
  if (spec.running !== undefined) throw wrong(`"${shown}" is not declared`)
  return { state: 'running', says: shown }
}

const isScalar = (found: unknown): boolean => ['string', 'number', 'boolean'].includes(typeof found)

/** For messages. */
export const shownJob = (job: JobHandle): string =>
  excerptOf(typeof job === 'object' ? JSON.stringify(job) : String(job))
