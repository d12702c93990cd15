/**
 * Moments of a server at which a test steps in: the server says each time that it has come to one, and waits for what
 * the test does there. A moment is named and counted from the time that the test asks for it, so "the third answer from
 * now" means the same in every run.
 */
export type Moments<Name extends string> = {
  /** Called by the server. Resolves when the test is through. */
  reach(name: Name): Promise<void>
  /** Does something once, at the `count`th time from now; resolves when it is done. */
  at(name: Name, count: number, action: () => void | Promise<void>): Promise<void>
}

type Waiting<Name> = { name: Name; left: number; run(): Promise<void> }

export function createMoments<Name extends string>(): Moments<Name> {
  const waiting = new Set<Waiting<Name>>()
  return {
    async reach(name) {
      const due: Waiting<Name>[] = []
      for (const each of waiting) if (each.name === name && --each.left === 0) due.push(each)
      for (const each of due) {
        waiting.delete(each)
        await each.run()
      }
    },
    at(name, count, action) {
      return new Promise((resolve, reject) => {
        const run = async () => {
          try {
            await action()
            resolve()
          } catch (error) {
            reject(error)
          }
        }
        waiting.add({ name, left: count, run })
      })
    },
  }
}
