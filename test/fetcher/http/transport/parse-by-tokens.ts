import { isExact } from '../../../../services/fetcher/http/transport/inexact-numbers.ts'

const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/**
 * JSON with its inexact numbers as texts, the plain way: token by token. Not by a reviver, since Node 24 does not tell
 * it the source of every number.
 */
export function parseByTokens(text: string): unknown {
  JSON.parse(text)
  return JSON.parse(
    text.replace(STRING_OR_NUMBER, (token) =>
      token.startsWith('"') || isExact(Number(token), token) ? token : `"${token}"`,
    ),
  )
}
