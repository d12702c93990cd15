/** A step of `headrace check`: what was examined, what was found, and what an author changes on failure. */
import type { Stream } from '#shared/declaration/compile.ts'

export const STEPS = [
  'declaration',
  'secrets',
  'address',
  'credentials',
  'first page',
  'second page',
  'schema',
  'watermark',
  'order',
  'quota',
] as const
export type StepName = (typeof STEPS)[number]

export type CheckStep = {
  step: StepName
  /** `skipped`: there was nothing to examine, or nothing declared that could be wrong. */
  status: 'ok' | 'failed' | 'skipped'
  says: string
  /** What to change, for a failed step. */
  advice?: string
  /** What is right and still worth knowing. */
  notes?: string[]
  /** What may be wrong: records can be missing, and this check cannot tell. */
  warnings?: string[]
}

/** `stream` is null for what belongs to the source. */
export type PlacedStep = CheckStep & { stream: string | null }

export const ok = (step: StepName, says: string, notes: readonly string[] = []): CheckStep => ({
  step,
  status: 'ok',
  says,
  ...(notes.length === 0 ? {} : { notes: [...notes] }),
})
export const failed = (step: StepName, says: string, advice?: string): CheckStep => ({
  step,
  status: 'failed',
  says,
  ...(advice === undefined ? {} : { advice }),
})
export const skipped = (step: StepName, says: string): CheckStep => ({ step, status: 'skipped', says })

export const withNotes = (step: CheckStep, notes: readonly string[]): CheckStep =>
  notes.length === 0 ? step : { ...step, notes: [...(step.notes ?? []), ...notes] }

export const warned = (step: CheckStep, warnings: readonly string[]): CheckStep =>
  warnings.length === 0 ? step : { ...step, warnings: [...warnings] }

/** One page that was requested: it arrived, there was none, or the request failed. */
export type Attempt<Page> = { page: Page | null; error: unknown }

export const placed = (stream: Stream | null, step: CheckStep): PlacedStep => ({
  stream: stream?.label ?? null,
  ...step,
})
