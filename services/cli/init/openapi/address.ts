/** The address of an API, as its document names it: the first server that has one, with its variables. */
import type { Problems } from './problems.ts'
import { at, isTree, listAt, textAt, treeAt } from './tree.ts'

export type Address = {
  /** Null where the document names none. */
  baseUrl: string | null
  /** Names of the server's variables, which installations set differently. */
  variables: readonly string[]
}

/** `from`: the address of the document itself, which relative servers count from; null for a file. */
export function addressOf(servers: unknown, from: string | null, problems: Problems): Address {
  const given = (Array.isArray(servers) ? servers : []).filter(isTree)
  const found = given.map((server) => serverAddress(server, from, problems)).filter((each) => each !== null)
  // Of http and https with one host, the safe one.
  return found.find(({ baseUrl }) => baseUrl?.startsWith('https:')) ?? found[0] ?? { baseUrl: null, variables: [] }
}

function serverAddress(server: unknown, from: string | null, problems: Problems): Address | null {
  const template = textAt(server, 'url')
  if (template === null) {
    if (at(server, 'url') !== '') problems.report('servers', 'one has no url')
    return null
  }
  const variables: string[] = []
  const text = template.replace(/\{([^{}]+)\}/g, (whole, name: string) => {
    const variable = at(treeAt(server, 'variables'), name)
    const value = textAt(variable, 'default') ?? listAt(variable, 'enum').find((each) => typeof each === 'string')
    variables.push(name)
    if (value === undefined || value === null) problems.report('servers', `{${name}} of ${template} has no default`)
    return String(value ?? whole.slice(1, -1))
  })
  const url = absolute(text.trim(), from)
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    if (from !== null || !template.startsWith('/'))
      problems.report('servers', `${template} is not an http or https URL`)
    return null
  }
  // Credentials and queries are declared elsewhere.
  return { baseUrl: `${url.origin}${url.pathname}`.replace(/\/+$/, ''), variables }
}

function absolute(text: string, from: string | null): URL | null {
  // "api.shop.example/v1": a host without its scheme.
  const whole = /^[\w-]+(\.[\w-]+)+(:\d+)?(\/|$)/.test(text) ? `https://${text}` : text
  if (URL.canParse(whole)) return new URL(whole)
  return from !== null && URL.canParse(whole, from) ? new URL(whole, from) : null
}
