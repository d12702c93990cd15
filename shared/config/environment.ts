/** The environment of this process, read by this folder alone. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Tests pass another. */
export const environment: Environment = process.env
