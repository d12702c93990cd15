/** Texts of any characters, for properties. */
import fc from 'fast-check'

const SURROGATES = { first: 0xd800, last: 0xdfff } as const
const LAST = 0x10ffff

/** Any code point but halves of surrogate pairs. fast-check's own unit for it takes a second to make. */
const character = fc
  .oneof(fc.integer({ min: 0, max: SURROGATES.first - 1 }), fc.integer({ min: SURROGATES.last + 1, max: LAST }))
  .map((codePoint) => String.fromCodePoint(codePoint))

export const anyText = (bounds: { maxLength?: number } = {}): fc.Arbitrary<string> =>
  fc.string({ unit: character, ...bounds })
