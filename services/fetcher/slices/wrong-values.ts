/** The error for values of `partitions` that cannot be slices. */
import type { Stream } from '#shared/declaration/compile.ts'
import { Stopped } from '#shared/errors.ts'

export const wrongValues = (
  stream: Pick<Stream, 'label'>,
  what: string,
  hint = 'correct partitions in the declaration',
): Stopped => new Stopped('HR_DISCOVERY', `${stream.label}: the function values of partitions ${what}`, { hint })
