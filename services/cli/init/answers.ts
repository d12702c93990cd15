/** The values for a new declaration. They come from flags, then from a person at a terminal, then from defaults. */
import { WrongUse } from '#shared/errors.ts'
import { redactUrl } from '#shared/redact/url.ts'

export const AUTHS = ['none', 'bearer', 'api-key', 'api-key-query', 'basic', 'oauth2'] as const
export const PAGINATES = ['cursor', 'link-header', 'next-url', 'page-number', 'offset', 'none'] as const

export type InitFlags = {
  url?: string
  path?: string
  stream?: string
  auth?: string
  paginate?: string
  next?: string
  param?: string
  limit?: string
  records?: string
  key?: string
  watermark?: string
}

export type InitAnswers = {
  name: string
  /** The origin, or the prefix of the path. */
  url: string
  path: string
  params: Record<string, string | number>
  stream: string
  auth: (typeof AUTHS)[number]
  paginate: (typeof PAGINATES)[number]
  /** Where the response names the next page; "" where it does not. */
  next: string
  /** The request parameter for it. */
  param: string
  /** Page size of offset paging. */
  limit: number
  records: string
  key: string[]
  watermark: { field: string; param: string } | null
}

export type Person = {
  /** `byDefault` is used for an empty answer. */
  ask(question: string, byDefault: string | undefined): Promise<string>
  say(text: string): void
}

type Question = {
  flag: keyof InitFlags
  question: string
  byDefault?: string | undefined
  oneOf?: readonly string[]
  /** What is wrong with an answer; null if nothing is. */
  wrong?(answer: string): string | null
}

/** A person who cannot find the right form needs the documentation. */
const ASKED_MAX = 5
const LIMIT_DEFAULT = '100'
const WHOLE = 'whole'

type Get = (question: Question) => Promise<string>

/** `person` is null without a terminal. Throws WrongUse that names the flag. */
export async function answersFor(name: string, flags: InitFlags, person: Person | null): Promise<InitAnswers> {
  // Here "" means the whole response, but an empty answer means that nothing was answered.
  const given = flags.records === '' ? { ...flags, records: WHOLE } : flags
  const get: Get = (question) => answerTo(question, given[question.flag], person)
  const { searchParams, ...endpoint } = await endpointFrom(get)
  const auth = await get({ flag: 'auth', question: 'Credentials', byDefault: 'none', oneOf: AUTHS })
  const paging = await pagingFrom(get, searchParams.get('limit') ?? LIMIT_DEFAULT)
  const shape = await shapeFrom(get)
  const taken = [paging.param, shape.watermark?.param, ...(paging.paginate === 'offset' ? ['limit'] : [])]
  return {
    name,
    ...endpoint,
    params: paramsOf(searchParams, taken),
    auth: auth as InitAnswers['auth'],
    ...paging,
    ...shape,
  }
}

async function endpointFrom(
  get: Get,
): Promise<Pick<InitAnswers, 'url' | 'path' | 'stream'> & { searchParams: URLSearchParams }> {
  const { origin, pathname, searchParams } = new URL(
    await get({ flag: 'url', question: 'Address of the API, or of the endpoint', wrong: wrongUrl }),
  )
  const below = pathname.replace(/\/$/, '')
  const path = await get({
    flag: 'path',
    question: 'Path of the endpoint',
    byDefault: below === '' ? undefined : below,
    wrong: (answer) => (answer.startsWith('/') ? null : 'expected a path that starts with /'),
  })
  const stream = await get({ flag: 'stream', question: 'Name of the stream', byDefault: streamNameOf(path) })
  // The endpoint's own address is split into the API's and a path, unless a path below it was given.
  return { url: path === below ? origin : `${origin}${below}`, path, stream, searchParams }
}

async function pagingFrom(
  get: Get,
  limitDefault: string,
): Promise<Pick<InitAnswers, 'paginate' | 'next' | 'param' | 'limit'>> {
  const kind = (await get({
    flag: 'paginate',
    question: 'How the API pages',
    byDefault: 'none',
    oneOf: PAGINATES,
  })) as InitAnswers['paginate']
  const answer = { paginate: kind, next: '', param: '', limit: Number(LIMIT_DEFAULT) }
  if (kind === 'cursor' || kind === 'next-url') {
    const byDefault = kind === 'cursor' ? '/next_cursor' : '/next'
    answer.next = await get({
      flag: 'next',
      question: 'Where the response has it (JSON pointer)',
      byDefault,
      wrong: wrongPointer,
    })
  }
  if (kind === 'cursor' || kind === 'offset' || kind === 'page-number') {
    const byDefault = kind === 'page-number' ? 'page' : kind
    answer.param = await get({ flag: 'param', question: 'The parameter that takes it', byDefault })
  }
  if (kind === 'offset')
    answer.limit = Number(
      await get({ flag: 'limit', question: 'Records per page', byDefault: limitDefault, wrong: wrongLimit }),
    )
  return answer
}

async function shapeFrom(get: Get): Promise<Pick<InitAnswers, 'records' | 'key' | 'watermark'>> {
  const records = await get({
    flag: 'records',
    question: `Where the response has its records (JSON pointer, or "${WHOLE}" if it is the array)`,
    byDefault: '/data',
    wrong: (answer) => (answer === WHOLE ? null : wrongPointer(answer)),
  })
  const key = await get({ flag: 'key', question: 'Fields of the primary key, separated by commas', byDefault: 'id' })
  const watermark = await get({
    flag: 'watermark',
    question: 'Field with the time of the last change, and the parameter that filters by it (updated_at=since)',
    byDefault: 'none',
    wrong: (answer) => (answer === 'none' || /^[^=]+=[^=]+$/.test(answer) ? null : 'expected field=parameter, or none'),
  })
  const [field = '', param = ''] = watermark.split('=')
  return {
    records: records === WHOLE ? '' : records,
    key: key.split(',').map((each) => each.trim()),
    watermark: watermark === 'none' ? null : { field, param },
  }
}

async function answerTo(question: Question, given: string | undefined, person: Person | null): Promise<string> {
  const { flag, byDefault, oneOf } = question
  const refuse = (what: string) => new WrongUse('HR_OPTION', `--${flag}${what}`, { hint: question.question })
  if (given !== undefined || person === null) {
    const answer = given ?? byDefault
    if (answer === undefined) throw refuse(' is missing')
    const what = whatIsWrong(question, answer)
    if (what !== null) throw refuse(`: ${what}`)
    return answer
  }
  for (let asked = 0; asked < ASKED_MAX; asked++) {
    const answer = await person.ask(
      oneOf === undefined ? question.question : `${question.question} (${oneOf.join(', ')})`,
      byDefault,
    )
    const what = whatIsWrong(question, answer)
    if (what === null) return answer
    person.say(what)
  }
  throw refuse(`: asked ${ASKED_MAX} times`)
}

function whatIsWrong({ oneOf, wrong }: Question, answer: string): string | null {
  if (answer === '') return 'expected an answer'
  if (oneOf !== undefined && !oneOf.includes(answer)) return `expected one of ${oneOf.join(', ')}`
  return wrong?.(answer) ?? null
}

function wrongUrl(text: string): string | null {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    return 'expected an http or https URL, e.g. https://api.shop.example/v1/orders'
  return redactUrl(url) === url.href ? null : 'contains a secret: declare it with --auth instead'
}

const wrongPointer = (text: string): string | null =>
  /^(\/([^~/]|~[01])*)+$/.test(text) ? null : 'expected a JSON pointer (RFC 6901) such as /data'

const wrongLimit = (text: string): string | null =>
  /^[1-9]\d{0,5}$/.test(text) ? null : 'expected a whole number from 1'

/** The last word of the path, as far as it is a valid name. */
export function streamNameOf(path: string): string {
  const words = path.split('/').map((word) =>
    word
      .toLowerCase()
      .replace(/\..*$/, '')
      .replace(/[^a-z0-9_-]/g, ''),
  )
  return words.findLast((word) => /^[a-z]/.test(word) && !/^v\d+$/.test(word)) ?? 'records'
}

function paramsOf(
  searchParams: URLSearchParams,
  taken: readonly (string | undefined)[],
): Record<string, string | number> {
  const pairs = [...searchParams].filter(([name]) => !taken.includes(name))
  return Object.fromEntries(
    pairs.map(([name, value]) => [name, /^(0|[1-9]\d{0,14})$/.test(value) ? Number(value) : value]),
  )
}
