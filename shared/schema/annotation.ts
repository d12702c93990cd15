/** What a registered schema says about a field beyond JSON Schema, under a key of its own. */

/** The key of annotations in a registered schema. */
export const ANNOTATION = 'x-headrace'
export type FieldAnnotation = { learned?: true; column?: string; watermark?: 'epochMs' | 'epochSeconds' }
