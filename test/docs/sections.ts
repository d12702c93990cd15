/** The sections of docs/declaration.md: each a type that authors write or get, and the schema that checks it. */
import type { z } from 'zod'
import { answersSpec } from '#shared/declaration/answers.ts'
import { authSpec } from '#shared/declaration/auth.ts'
import { namedSteps } from '#shared/declaration/decode.ts'
import { discoverySpec } from '#shared/declaration/discovery.ts'
import { paginateSpec } from '#shared/declaration/paginate/paginate.ts'
import { quotaSpec } from '#shared/declaration/quota.ts'
import { sizeSpec } from '#shared/declaration/request-place.ts'
import { sourceSpec } from '#shared/declaration/source-spec.ts'
import { streamSpec } from '#shared/declaration/stream-spec.ts'
import { watermarkSpec } from '#shared/declaration/watermark-spec.ts'

export type Section = {
  /** Of the chapter, where a new one begins. */
  chapter?: string
  title: string
  /** False: functions of authors get or return it. */
  written: boolean
  /** Type expression over `headrace`, `Source`, `Stream`, `Discovery` and `Place`. */
  type: string
  /** What checks it: the source of its defaults. */
  spec?: z.ZodType
}

const ofKind = (options: readonly unknown[], kind: string): z.ZodType => {
  const found = (options as z.ZodObject<{ kind: z.ZodLiteral<string> }>[]).find(
    (each) => each.shape.kind.value === kind,
  )
  if (found === undefined) throw new RangeError(`no kind ${kind}`)
  return found
}

const parameterOf = (name: string): string => `Parameters<typeof headrace.${name}>[0]`

/** The first parameter of an exported function. */
const call = (name: string, spec?: z.ZodType, parameter = 0): Section => ({
  title: name,
  written: true,
  type: `NonNullable<Parameters<typeof headrace.${name}>[${parameter}]>`,
  ...(spec === undefined ? {} : { spec }),
})
const auth = (name: string, kind: string) => call(name, ofKind(authSpec.options, kind))
const paging = (name: string, kind: string) => call(name, ofKind(paginateSpec.options, kind))
const decoder = (name: string, kind: string) => call(name, ofKind(namedSteps, kind))
/** Their functions have a second form, inside of others. */
const discovered = (kind: string): Section => ({
  title: kind,
  written: true,
  type: `Extract<Discovery, { kind: '${kind}' }>`,
  spec: ofKind(discoverySpec.options, kind),
})
/** A type that functions of authors get or return. */
const given = (title: string): Section => ({ title, written: false, type: `headrace.${title}` })

export const SECTIONS: readonly Section[] = [
  { chapter: 'Source and stream', title: 'Source', written: true, type: 'Source', spec: sourceSpec },
  { title: 'Stream', written: true, type: 'Stream', spec: streamSpec },
  { title: 'Watermark', written: true, type: "NonNullable<Stream['watermark']>", spec: watermarkSpec },
  { title: 'Deletes', written: true, type: "Extract<Stream['deletes'], object>" },
  { title: 'Quota', written: true, type: "Exclude<NonNullable<Source['quota']>, readonly unknown[]>", spec: quotaSpec },
  { title: 'Answers', written: true, type: "NonNullable<Source['answers']>", spec: answersSpec },
  { title: 'Wait', written: true, type: "NonNullable<NonNullable<Source['answers']>['waits']>[number]" },
  { title: 'TLS', written: true, type: "NonNullable<Source['tls']>" },
  { chapter: 'Credentials', ...call('bearer', undefined, 1) },
  auth('apiKey', 'api-key'),
  auth('basic', 'basic'),
  auth('oauth2ClientCredentials', 'oauth2-client-credentials'),
  auth('oauth2RefreshToken', 'oauth2-refresh-token'),
  auth('oauth2Password', 'oauth2-password'),
  auth('jwtBearer', 'jwt-bearer'),
  auth('jwtSigned', 'jwt-signed'),
  auth('sessionToken', 'session-token'),
  { title: 'Login', written: true, type: `${parameterOf('sessionToken')}['login']` },
  { title: 'TokenAnswer', written: true, type: `NonNullable<${parameterOf('oauth2ClientCredentials')}['answer']>` },
  { title: 'TokenLife', written: true, type: `Extract<${parameterOf('sessionToken')}['life'], object>` },
  { title: 'TokenNames', written: true, type: `NonNullable<${parameterOf('oauth2ClientCredentials')}['names']>` },
  { title: 'TokenPlace', written: true, type: `NonNullable<${parameterOf('sessionToken')}['as']>` },
  auth('customAuth', 'custom'),
  { chapter: 'Paging', ...paging('cursor', 'cursor') },
  paging('linkHeader', 'link-header'),
  paging('nextUrl', 'next-url'),
  paging('keyset', 'keyset'),
  paging('pageNumber', 'page-number'),
  paging('offset', 'offset'),
  paging('graphql', 'graphql'),
  paging('windows', 'windows'),
  paging('exportJob', 'export-job'),
  { title: 'JobRequest', written: true, type: `Exclude<${parameterOf('exportJob')}['poll'], Place>` },
  { title: 'Download', written: true, type: `Exclude<${parameterOf('exportJob')}['download'], Place>` },
  paging('none', 'none'),
  {
    title: 'Size',
    written: true,
    type: "Exclude<NonNullable<Parameters<typeof headrace.cursor>[0]['size']>, number>",
    spec: sizeSpec,
  },
  {
    title: 'Total',
    written: true,
    type: "Exclude<Parameters<typeof headrace.cursor>[0]['total'], Place | false | undefined>",
  },
  { chapter: 'Bodies', ...decoder('csv', 'csv') },
  decoder('jsonl', 'jsonl'),
  decoder('xml', 'xml'),
  decoder('zip', 'zip'),
  {
    title: 'Chunks',
    written: true,
    type: "Extract<NonNullable<NonNullable<Parameters<typeof headrace.csv>[0]>['chunks']>, object>",
  },
  { chapter: 'Discovered partitions', ...discovered('discover') },
  discovered('parent'),
  {
    title: 'Incremental',
    written: true,
    type: "Extract<NonNullable<Extract<Discovery, { kind: 'parent' }>['incremental']>, object>",
  },
  discovered('union'),
  discovered('product'),
  { chapter: 'Fields', ...call('instant') },
  { chapter: 'What functions get and return', ...given('RequestContext') },
  given('RecordContext'),
  given('EnvelopeContext'),
  given('JudgedResponse'),
  given('JudgedFailure'),
  given('FailedResponse'),
  given('FailedAnswer'),
  given('RequestFacts'),
  given('WalkTools'),
  given('RequestChanges'),
  given('WalkAnswer'),
  given('WalkPage'),
  given('DiscoverTools'),
  given('ParentContext'),
  given('JobContext'),
  given('JobAnswer'),
  given('SignedRequest'),
  given('SigningContext'),
  given('AuthChanges'),
  given('TokenStore'),
]
