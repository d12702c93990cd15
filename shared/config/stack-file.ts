/** The addresses of a running local stack, as it writes them into its folder. */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { WrongUse } from '../errors.ts'
import { HEADRACE } from './called-as.ts'

/** What the local stack writes into its folder when it is ready. */
const stackFile = z.object({
  v: z.literal(1),
  kafka: z.object({ brokers: z.string() }),
  registry: z.object({ url: z.string() }),
  clickhouse: z.object({ url: z.string() }),
  sampleApi: z.object({ url: z.string() }).optional(),
})

/** Null where no local stack is running in `dir`. Throws WrongUse for a file that cannot be parsed. */
export function readStackFile(dir: string): z.infer<typeof stackFile> | null {
  const file = join(dir, 'stack.json')
  if (!existsSync(file)) return null
  try {
    return stackFile.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    throw new WrongUse('HR_STACK_FILE', `${file} is not readable as the local stack's addresses`, {
      hint: `stop and start the stack: ${HEADRACE} stack down, then stack up`,
    })
  }
}
