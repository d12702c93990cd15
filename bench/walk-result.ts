/**
 * What a walk over all pages prints on its last line. The time is from the first request to the last record's end,
 * without starting the process.
 */
export type WalkResult = { records: number; seconds: number; cpuSeconds: number }
