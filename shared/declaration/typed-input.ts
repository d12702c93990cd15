/**
 * The types of what an author writes. They are those of the schemas in this folder, and more exact in two places. Names
 * of fields are those of the stream's `schema`. Raw records have the type that `raw` of the stream gives them. The
 * mapped types keep the comments of the schemas' fields, which editors show.
 */
import type { z } from 'zod'
import type { sourceSpec } from './source-spec.ts'
import type { streamSpec } from './stream-spec.ts'

type WrittenSource = z.input<typeof sourceSpec>
type WrittenStream = z.input<typeof streamSpec>
type WrittenWatermark = NonNullable<WrittenStream['watermark']>

/**
 * A function of raw records, for this type of them. A method, so that an author without `raw` may write
 * `(raw: Order) => …`.
 */
type OfRaw<Given, Raw> = Given extends (raw: unknown, ...rest: infer Rest) => infer Returned
  ? { call(raw: NoInfer<Raw>, ...rest: Rest): Returned }['call']
  : Given

type OfRawRecords<Raw> = {
  raw: z.ZodType<unknown, Raw> | undefined
  filter: OfRaw<WrittenStream['filter'], Raw>
  deleted: OfRaw<WrittenStream['deleted'], Raw>
  map: OfRaw<WrittenStream['map'], Raw>
}
type WrittenForRaw = Pick<WrittenStream, keyof OfRawRecords<unknown>>

/** The fields of a stream whose types depend on `raw`. */
export type RawInput<Raw> = { [Field in keyof WrittenForRaw]: OfRawRecords<Raw>[Field] }

type WrittenForRecords = Omit<WrittenStream, keyof WrittenForRaw>
type FieldOf<Schema extends z.ZodObject> = keyof z.output<Schema> & string
type WatermarkInput<Schema extends z.ZodObject> = {
  [Field in keyof WrittenWatermark]: Field extends 'field' ? FieldOf<Schema> : WrittenWatermark[Field]
}
type OfRecords<Schema extends z.ZodObject> = {
  schema: Schema
  primaryKey: 'record' | FieldOf<Schema>[]
  recordKey: FieldOf<Schema>[] | undefined
  watermark: WatermarkInput<Schema> | undefined
}

/** The other fields of a stream. */
export type StreamInput<Schema extends z.ZodObject> = {
  [Field in keyof WrittenForRecords]: Field extends keyof OfRecords<Schema>
    ? OfRecords<Schema>[Field]
    : WrittenForRecords[Field]
}

type StreamsInput<Schemas extends Record<string, z.ZodObject>, Raws> = {
  [Name in keyof Schemas]: StreamInput<Schemas[Name]>
} & { [Name in keyof Raws]: RawInput<Raws[Name]> }

/** A source as an author writes it. */
export type SourceInput<Schemas extends Record<string, z.ZodObject>, Raws> = {
  [Field in keyof WrittenSource]: Field extends 'streams' ? StreamsInput<Schemas, Raws> : WrittenSource[Field]
}
