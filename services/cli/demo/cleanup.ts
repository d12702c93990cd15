/**
 * What has to end when a block does, last first: `await using cleanup = createCleanup()`. All of it ends, also after an
 * error of one. Node has such a stack itself only from 24 on.
 */
export type Cleanup = AsyncDisposable & { defer(end: () => unknown): void }

export function createCleanup(): Cleanup {
  const ends: (() => unknown)[] = []
  return {
    defer: (end) => void ends.push(end),
    async [Symbol.asyncDispose]() {
      const errors: unknown[] = []
      for (const end of ends.reverse()) {
        try {
          await end()
        } catch (error) {
          errors.push(error)
        }
      }
      if (errors.length > 0) throw errors[0]
    },
  }
}
