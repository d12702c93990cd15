/**
 * A GraphQL connection (Relay cursor connections): pageInfo says whether there is more and where, and a variable takes
 * the cursor. A response with `errors` is a failure even if it also has data, since it does not say which data is
 * missing (specification, section 7.1). It is retryable for the declared codes, final otherwise.
 */
import type { Stream } from '#shared/declaration/compile.ts'
import type { GraphqlSpec } from '#shared/declaration/paginate/paginate.ts'
import { unwrapped } from '#shared/declaration/place.ts'
import { Stopped } from '#shared/errors.ts'
import { valueAt } from '#shared/json-pointer.ts'
import { excerptOf } from '../../http/describe.ts'
import { cursorPaginator } from './cursor.ts'
import type { Paginator } from './paginator.ts'

export function graphqlPaginator(spec: GraphqlSpec, stream: Stream): Paginator {
  const { at, isOptional } = unwrapped<string>(spec.connection)
  const pages = cursorPaginator(
    {
      kind: 'cursor',
      next: `${at}/pageInfo/endCursor`,
      hasMore: `${at}/pageInfo/hasNextPage`,
      body: `/variables/${spec.after.replaceAll('~', '~0').replaceAll('/', '~1')}`,
    },
    stream,
  )
  return {
    ...pages,
    next(page, cursor) {
      const isOmitted = isOptional && (valueAt(page.body, at) ?? null) === null
      return isOmitted ? { cursor: null } : pages.next(page, cursor)
    },
    refuse({ body, redact = (text) => text }) {
      const errors = errorsOf(body)
      if (errors.length === 0) return
      throw new Stopped('HR_GRAPHQL_ERROR', `${stream.label}: the answer has errors: ${redact(textOf(errors))}`, {
        hint: 'correct query or variables; if this error passes by itself, add its code to retryable of graphql',
      })
    },
    passing({ body }) {
      const errors = errorsOf(body)
      return errors.length > 0 && errors.every((error) => spec.retryable.includes(codeOf(error)))
        ? textOf(errors)
        : null
    },
  }
}

function errorsOf(body: unknown): readonly unknown[] {
  const errors = valueAt(body, '/errors')
  return Array.isArray(errors) ? errors : []
}

/** Most servers have the code in `extensions`; GitHub has it beside the message. */
const codeOf = (error: unknown): string => String(valueAt(error, '/extensions/code') ?? valueAt(error, '/type') ?? '')

const ERRORS_SHOWN_MAX = 3

function textOf(errors: readonly unknown[]): string {
  const texts = errors.slice(0, ERRORS_SHOWN_MAX).map((error) => {
    const code = codeOf(error)
    return `${excerptOf(String(valueAt(error, '/message') ?? 'without a message'))}${code === '' ? '' : ` (${code})`}`
  })
  return texts.join('; ')
}
