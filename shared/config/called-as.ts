/** How this person starts Headrace. Every hint that has a command begins with it, so it can be pasted as it is. */
import { IS_CHECKOUT } from '../installation.ts'
import { type Environment, environment } from './environment.ts'

/** What is known of a start. `program`: the file that Node was started with. */
type Start = { isCheckout: boolean; environment: Environment; program: string }

/**
 * A checkout has an npm script. A package of a project is found by `npx`, also by a script of that project. One that is
 * installed for everybody, or in an image, is on PATH.
 */
export function calledAs({ isCheckout, environment, program }: Start): string {
  if (isCheckout) return 'npm run headrace --'
  const isOfProject = environment.npm_command !== undefined || program.includes('/node_modules/.bin/')
  return isOfProject ? 'npx headrace' : 'headrace'
}

/** `${HEADRACE} status` is a command for this person's shell. */
export const HEADRACE = calledAs({ isCheckout: IS_CHECKOUT, environment, program: process.argv[1] ?? '' })
