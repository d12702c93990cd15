/** A curl command line that works, as the request that it sends. Throws WrongUse that names the option. */
import { WrongUse } from '#shared/errors.ts'
import { curlOption } from './curl-options.ts'
import { shellWords } from './shell-words.ts'
import type { GivenRequest } from './to-known.ts'
import { hasVariable } from './variables.ts'

export type CurlRequest = {
  request: GivenRequest
  /** Options that the declaration does not take over, and where it has their like. */
  notes: string[]
}

type Option = { name: string; text: string }

export function curlRequest(line: string): CurlRequest {
  const words = shellWords(line)
  if (!/(^|\/)curl(\.exe)?$/.test(words[0] ?? '')) throw refuse('the command line does not begin with curl')
  const notes: string[] = []
  const options: Option[] = []
  const queue = words.slice(1)
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    for (const option of optionsIn(word, queue)) {
      const known = curlOption(option.name)
      if (known === null) throw refuse(`the option ${dashed(nameOnly(option.name))} of curl is not known here`, REMOVE)
      const { effect } = known
      if (effect === 'harmless') continue
      if (typeof effect === 'object' && 'refused' in effect)
        throw refuse(`${dashed(option.name)} ${effect.refused}`, 'remove it, if the request works without it')
      if (effect === 'request') options.push({ name: known.name, text: option.text })
      else notes.push(`${dashed(option.name)} is not taken over: see ${effect.elsewhere}`)
    }
  }
  return { request: requestOf(options), notes }
}

const REMOVE = 'remove it, if the request works without it'
/** What follows = may be a secret. */
const nameOnly = (text: string): string => text.split('=', 1)[0] ?? ''
const dashed = (name: string): string => (name.length === 1 ? `-${name}` : `--${name}`)

/** One word can hold several short options: -sSL, -XPOST. Takes the arguments from `queue`. */
function optionsIn(word: string, queue: string[]): Option[] {
  const argument = (name: string) => {
    const next = queue.shift()
    if (next === undefined) throw refuse(`${dashed(name)} has no value`)
    return next
  }
  if (word.startsWith('--')) {
    const name = word.slice(2)
    return [{ name, text: curlOption(name)?.value === true ? argument(name) : '' }]
  }
  if (!word.startsWith('-') || word === '-') return [{ name: 'url', text: word }]
  const found: Option[] = []
  for (let at = 1; at < word.length; at++) {
    const name = word[at] ?? ''
    const takes = curlOption(name)?.value === true
    if (!takes) found.push({ name, text: '' })
    else {
      const rest = word.slice(at + 1)
      found.push({ name, text: rest === '' ? argument(name) : rest })
      break
    }
  }
  return found
}

function requestOf(options: readonly Option[]): GivenRequest {
  const all = (...names: string[]) => options.filter(({ name }) => names.includes(name)).map(({ text }) => text)
  const urls = all('url')
  const [url] = urls
  if (url === undefined) throw refuse('there is no URL')
  if (urls.length > 1) throw refuse(`there are ${urls.length} URLs`, 'give one request')
  const headers = all('header').map(headerOf)
  const bearer = all('oauth2-bearer').at(-1)
  const agent = all('user-agent').at(-1)
  const json = all('json')
  const content = /json/i.test(headers.find(([name]) => /^content-type$/i.test(name))?.[1] ?? '') || json.length > 0
  const pieces = options.flatMap(dataOf)
  const isGet = options.some(({ name }) => name === 'get')
  const query = [...(isGet ? pieces : []), ...all('url-query').map((text) => urlEncoded(text))]
  return {
    url: query.length === 0 ? url : `${url}${url.includes('?') ? '&' : '?'}${query.join('&')}`,
    method: all('request').at(-1),
    headers: [
      ...headers,
      ...cookies(all('cookie')),
      ...(bearer === undefined ? [] : [['Authorization', `Bearer ${bearer}`] as const]),
      ...(agent === undefined ? [] : [['User-Agent', agent] as const]),
    ],
    user: all('user').at(-1),
    ...(isGet || pieces.length === 0 ? {} : sentOf(pieces, content, json.length > 0)),
  }
}

function headerOf(text: string): readonly [string, string] {
  const at = text.indexOf(':')
  if (at === -1) return [text.replace(/;$/, ''), '']
  return [text.slice(0, at).trim(), text.slice(at + 1).trim()]
}

/** A text without = is the name of a file. */
function cookies(texts: readonly string[]): (readonly [string, string])[] {
  const file = texts.find((text) => !text.includes('=') && !hasVariable(text))
  if (file !== undefined) throw refuse('-b reads cookies from a file', 'give them as name=value')
  return texts.length === 0 ? [] : [['Cookie', texts.join('; ')]]
}

function dataOf({ name, text }: Option): string[] {
  if (name === 'data-urlencode') return [urlEncoded(text)]
  if (!['data', 'data-ascii', 'data-binary', 'data-raw', 'json'].includes(name)) return []
  if (name !== 'data-raw' && text.startsWith('@'))
    throw refuse(`--${name} reads ${text.slice(1)}`, 'give the content itself')
  return [text]
}

/** As curl encodes it: content, =content, name=content. */
function urlEncoded(text: string): string {
  const at = text.indexOf('=')
  if (text.includes('@') && (at === -1 || text.indexOf('@') < at))
    throw refuse('--data-urlencode reads a file', 'give the content itself')
  const [name, content] = at === -1 ? ['', text] : [text.slice(0, at), text.slice(at + 1)]
  return `${name === '' ? '' : `${name}=`}${hasVariable(content) ? content : encodeURIComponent(content)}`
}

/** JSON where the request says so, or where it can be nothing else. */
function sentOf(pieces: readonly string[], isJson: boolean, joined: boolean): Pick<GivenRequest, 'body' | 'form'> {
  const text = pieces.join(joined ? '' : '&')
  const body = parsed(text)
  if (body !== null) return { body }
  if (isJson) throw refuse('the body is not a JSON object', 'a source sends an object as JSON, or a form')
  return { form: [...new URLSearchParams(text)] }
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null
  } catch {
    return null
  }
}

function refuse(what: string, hint = "copy the whole command that works: --from-curl 'curl …'"): WrongUse {
  return new WrongUse('HR_OPTION', `--from-curl: ${what}`, { hint })
}
