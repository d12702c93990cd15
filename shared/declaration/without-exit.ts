/**
 * While declarations are loaded, none of them may end the process. A script among them that calls `process.exit` would
 * end every command for every source, with its own exit status and without a message. The call throws instead, so the
 * file is reported like any other that fails.
 */
const SAYS = 'it calls process.exit, which would end the command that loads it'

let loading = 0
let exit = process.exit

/** Several at once are one: the last to end gives the function back. */
export async function withoutExit<T>(work: () => Promise<T>): Promise<T> {
  if (loading === 0) {
    exit = process.exit
    process.exit = () => {
      throw new Error(SAYS)
    }
  }
  loading += 1
  try {
    return await work()
  } finally {
    loading -= 1
    if (loading === 0) process.exit = exit
  }
}
