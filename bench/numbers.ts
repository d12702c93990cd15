/** The arithmetic of a report. Pure. */

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const at = share * (sorted.length - 1)
  const low = sorted[Math.floor(at)] ?? Number.NaN
  const high = sorted[Math.ceil(at)] ?? Number.NaN
  return low + (high - low) * (at - Math.floor(at))
}

export const median = (values: readonly number[]): number => quantile(values, 0.5)

export type Point = { x: number; y: number }

/** Least squares; 0 for fewer than two points. */
export function slopeOf(points: readonly Point[]): number {
  const n = points.length
  const meanX = points.reduce((sum, { x }) => sum + x, 0) / n
  const meanY = points.reduce((sum, { y }) => sum + y, 0) / n
  const above = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0)
  const below = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0)
  return below > 0 ? above / below : 0
}

export const rounded = (value: number, digits = 0): number => Number(value.toFixed(digits))

/** 12,345 */
export const whole = (value: number): string => Math.round(value).toLocaleString('en-US')
