import { isExact } from '../../../../services/fetcher/http/transport/inexact-numbers.ts'

type Reviver = (key: string, value: unknown, context?: { source?: string }) => unknown
const parseWithSource = JSON.parse as (text: string, reviver: Reviver) => unknown

/** JSON with its inexact numbers as texts, the plain way: asks for the source of each number. */
export const parseBySource = (text: string): unknown =>
  parseWithSource(text, (_, value, context) => {
    const source = context?.source
    return typeof value === 'number' && source !== undefined && !isExact(value, source) ? source : value
  })
