/** The registered schema of a stream "shop.orders", from its fields and what a test changes about its annotation. */
import { z } from '#shared/index.ts'
import { type JsonSchema, type StreamAnnotation, wireSchema } from '#shared/schema/json-schema.ts'

export const ANNOTATION: StreamAnnotation = {
  v: 1,
  source: 'shop',
  stream: 'orders',
  table: 'shop_orders',
  primaryKey: ['id'],
  watermark: { field: 'at', kind: 'iso' },
  partitions: 1,
  shares: ['0 of 1'],
}

export const wire = (
  shape: z.ZodRawShape,
  annotation: Partial<StreamAnnotation> = {},
  keepUnknown = true,
): JsonSchema => wireSchema({ schema: z.object(shape), keepUnknown, annotation: { ...ANNOTATION, ...annotation } })
