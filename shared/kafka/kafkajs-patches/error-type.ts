/** What the package's errors say of a broker's answer: the name of its error code, as `type`. */

/** Empty for an error that no broker's answer caused. */
export const typeOf = (error: unknown): string =>
  error instanceof Error && 'type' in error && typeof error.type === 'string' ? error.type : ''

/** A right is missing: on a topic, a group, a transactional id or the cluster. */
export const isDeniedType = (type: string): boolean => type.endsWith('_AUTHORIZATION_FAILED')
