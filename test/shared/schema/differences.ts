/** What changed between two schemas, as a person sees it. */
import assert from 'node:assert/strict'
import type { z } from '#shared/index.ts'
import { type SchemaDifference, schemaDifferences } from '#shared/schema/compatibility.ts'
import { wire } from './orders-schema.ts'

/** As a person sees them: + fits what exists, ! breaks it. */
export const shown = (found: SchemaDifference[]) =>
  found.map(({ path, change, additive }) => `${additive ? '+' : '!'} ${path}: ${change}`)

export const changes = (before: z.ZodRawShape, after: z.ZodRawShape) =>
  shown(schemaDifferences(wire(before), wire(after)))

/** Words that end in … open longer ones. */
export function assertShown(found: string[], expected: readonly string[]): void {
  const cut = found.map((words, index) =>
    expected[index]?.endsWith('…') ? `${words.slice(0, expected[index].length - 1)}…` : words,
  )
  assert.deepEqual(cut, expected)
}

export type Case = [name: string, before: z.ZodRawShape, after: z.ZodRawShape, expected: string[]]
