/**
 * Parses JSON without silent damage. A number that a double cannot hold stays as its text. That is an integer beyond
 * 2^53, more than 17 significant digits, or one beyond the largest or below the smallest double. A field declared as
 * `int64()` or `decimal()` takes it exactly. A field declared as a number rejects it, so that it becomes a dead letter.
 * All other JSON is parsed as JSON.parse does.
 */
import { quoteInexact } from './inexact-numbers.ts'

/** Throws SyntaxError. */
export const parseJson = (text: string): unknown => JSON.parse(quoteInexact(text))
