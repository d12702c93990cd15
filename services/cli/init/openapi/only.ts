/** `--only`: operations by path or operationId. `*` is any number of characters; case does not matter. */
import type { ListEndpoint } from './list-endpoints.ts'

export function isMeant({ path, operationId }: ListEndpoint, pattern: string | undefined): boolean {
  if (pattern === undefined) return true
  const whole = new RegExp(`^${pattern.split('*').map(literal).join('.*')}$`, 'i')
  return whole.test(path) || whole.test(path.slice(1)) || (operationId !== null && whole.test(operationId))
}

const literal = (text: string): string => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&')
