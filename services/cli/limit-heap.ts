/**
 * Bounds of the heap for services with many short-lived objects: a loader, and a fetcher of large files. V8 reads both
 * flags whenever it considers growing; they change nothing else.
 */
import { setFlagsFromString } from 'node:v8'

/**
 * Keeps the young generation at its current size. V8 grows it eightfold, up to 128 MB, without a measurable gain.
 */
export function keepYoungHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}

/**
 * Lets the old generation grow by half before it is collected. By default it may grow fourfold, to hundreds of
 * megabytes of records that were published long ago.
 */
export function keepOldHeapSmall(): void {
  setFlagsFromString('--heap-growing-percent=50')
}
