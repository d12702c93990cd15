/**
 * What a declaration says of a list that was not asked: what its document says, with a comment at each guess. What the
 * document leaves open is a question.
 */

import type { FoundPaging } from '../asked/find-paging.ts'
import { type EndpointFindings, QUOTA_DEFAULT } from '../asked/findings.ts'
import { describedAlone } from '../guess/described-types.ts'
import type { KeyGuess } from '../guess/key.ts'
import type { PagingCandidate } from '../guess/paging-facts.ts'
import type { FieldType } from '../guess/type.ts'
import { renamingOf } from '../guess/underscores.ts'
import type { KnownSchema } from '../known.ts'
import type { PagingHint } from './paging-hints.ts'
import type { DocumentStream } from './read-document.ts'
import { bare } from './words.ts'

const NOT_ASKED = 'the document; the API was not asked'

export function describedFindings(stream: DocumentStream): EndpointFindings {
  const names = Object.keys((stream.schema.properties ?? {}) as object)
  const renaming = renamingOf([Object.fromEntries(names.map((name) => [name, null]))])
  const described = describedAlone(loosened(stream.schema)).map((field) => ({
    ...field,
    name: renaming?.rename(field.name) ?? field.name,
  }))
  const key = describedKey(described, stream.stream)
  return {
    records: {
      pointer: stream.recordsAt,
      why: stream.isOnlyList ? '' : 'the document, which has other lists beside it',
    },
    paging: describedPaging(stream),
    fields: described.map((field) =>
      key.fields?.includes(field.name) ? { ...field, nullable: false, optional: false } : field,
    ),
    renaming,
    key,
    watermark: null,
    watermarks: [],
    quota: QUOTA_DEFAULT,
    counts: { records: 0, pages: 0 },
  }
}

/** Documents seldom say that a value may be null, so whatever they do not require may be. */
function loosened(schema: KnownSchema): KnownSchema {
  const { properties, items, additionalProperties: others, required = [] } = schema
  const optional = (name: string) => !(required as readonly string[]).includes(name)
  const inner = Object.entries((properties ?? {}) as Record<string, KnownSchema>).map(([name, field]) => {
    const loose = loosened(field)
    const isTyped = loose.type !== undefined && optional(name)
    return [name, isTyped ? { ...loose, type: [...new Set([loose.type, 'null'].flat())] } : loose]
  })
  return {
    ...schema,
    ...(properties === undefined ? {} : { properties: Object.fromEntries(inner), required }),
    ...(items === undefined ? {} : { items: loosened(items as KnownSchema) }),
    ...(others === undefined ? {} : { additionalProperties: loosened(others as KnownSchema) }),
  }
}

/** The candidate that the document suggests. */
export function hintedPaging(hint: PagingHint, why: string): PagingCandidate {
  const made = (kind: PagingCandidate['kind'], options: PagingCandidate['options'], sets: string[]) => ({
    ...{ kind, options, why, sets },
  })
  switch (hint.kind) {
    case 'cursor':
      return made('cursor', { next: hint.next, param: hint.param }, [hint.param])
    case 'link-header':
      return made('linkHeader', {}, [])
    case 'next-url':
      return made('nextUrl', { next: hint.next }, [])
    case 'keyset':
      return made('keyset', { field: hint.field, param: hint.param, hasMore: hint.hasMore }, [hint.param])
    case 'page-number': {
      const { param, first } = hint
      const options = { ...(param === 'page' ? {} : { param }), ...(first === 1 ? {} : { first }), stop: 'empty' }
      return made('pageNumber', options, [param])
    }
    case 'offset': {
      const { param, limitParam, limit } = hint
      const names = [
        ['param', param, 'offset'],
        ['limitParam', limitParam, 'limit'],
      ] as const
      const places = names.flatMap(([option, name, usual]) => (name === usual ? [] : [[option, name] as const]))
      return made('offset', { ...Object.fromEntries(places), limit }, [param, limitParam])
    }
  }
}

function describedPaging({ paging, path }: DocumentStream): FoundPaging {
  if (paging !== null) return { candidate: hintedPaging(paging, NOT_ASKED), pages: [], open: null }
  const question = `the document does not say how ${path} is paged: cursor, linkHeader, nextUrl, pageNumber … or none()`
  return { candidate: { kind: 'none', options: {}, why: '', sets: [] }, pages: [], open: { option: null, question } }
}

const KEYS = ['id', 'uuid', 'guid', 'gid']

function describedKey(fields: readonly FieldType[], stream: string): KeyGuess {
  const scalars = fields.filter(({ type }) => type.kind === 'scalar' && /^z\.(string|int|uuid)\(\)$/.test(type.code))
  const thing = bare(stream).replace(/s$/, '')
  const names = [...KEYS, `${thing}id`, `${thing}uuid`, `${thing}key`, `${thing}code`]
  const found = names.map((name) => scalars.find((field) => bare(field.name) === name)).find((field) => field != null)
  if (found !== undefined) return { fields: [found.name], why: `its name in ${NOT_ASKED}`, doubt: null }
  return {
    fields: null,
    why: 'the document has no field that is named like an id',
    doubt: 'with this key a changed record is a new row',
  }
}
