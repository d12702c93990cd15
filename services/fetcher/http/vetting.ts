/**
 * Checks requests and cursors before anything is stored. A next page that could never be requested, or a cursor that
 * holds a credential, stops the run before the page that named it. The former cursor stays, and a later run requests
 * the page again.
 */
import type { Source } from '#shared/declaration/compile.ts'
import { matchesOrigin } from '#shared/declaration/origins.ts'
import { Stopped } from '#shared/errors.ts'
import { type Credential, conceal, credentialFinder } from './auth/conceal.ts'
import { describeRequest } from './describe.ts'
import type { FileAccess, PageRequest, Vetting } from './messages.ts'

/** Where a request may go, and what it may contain. */
export type Reach = {
  isOwn(url: URL): boolean
  /**
   * Throws Stopped: another scheme, another origin, or a header that no connection accepts. `file`: of the exchange,
   * for a file that an answer named.
   */
  refuse(request: PageRequest, file?: FileAccess): void
}

const SCHEMES: readonly string[] = ['http:', 'https:']
/** What a connection rejects as the value of a header (RFC 9110 section 5.5). */
export const NO_HEADER_VALUE = /[^\t\x20-\x7e\x80-\xff]/

export function reachOf(source: Source, baseUrl: string): Reach {
  const own = new URL(baseUrl).origin
  const allowed = new Set(source.allowOrigins.map((text) => new URL(text).origin))
  return {
    isOwn: ({ origin }) => origin === own,
    refuse(request, file) {
      const { url, headers } = request
      const what = describeRequest(source, request)
      // The origin of blob:https://… is that of the address inside it.
      if (!SCHEMES.includes(url.protocol)) {
        throw new Stopped(
          'HR_SCHEME_REFUSED',
          `${what} has the scheme ${url.protocol.slice(0, -1)}, which is not followed`,
          {
            hint: 'only http and https are asked; check where the declaration finds the next page',
          },
        )
      }
      const isReached = url.origin === own || allowed.has(url.origin)
      if (!isReached && file?.origins.some((pattern) => matchesOrigin(pattern, url)) !== true) {
        const where =
          file === undefined ? 'belongs to the API, add it to allowOrigins' : 'has the files, add it to origins'
        throw new Stopped('HR_ORIGIN_REFUSED', `${what} leads away from ${own}: not followed`, {
          hint: `if ${url.origin} ${where}${file === undefined ? '' : ' of download'}; credentials are not sent there`,
        })
      }
      const name = Object.keys(headers).find((each) => NO_HEADER_VALUE.test(headers[each] ?? ''))
      if (name === undefined) return
      throw new Stopped('HR_HEADER_REFUSED', `${what}: its header ${name} holds a character that no header can have`, {
        hint: 'the API gave it as a cursor, or the declaration made it: it cannot be sent',
      })
    },
  }
}

export function vettingFor(source: Source, { refuse }: Reach, known: () => readonly Credential[]): Vetting {
  const find = credentialFinder(known)
  return {
    request: (request) => refuse(request),
    link: (url) => conceal(url, known()),
    cursor(cursor) {
      if (cursor === null || cursor === undefined || !find(JSON.stringify(cursor))) return
      throw new Stopped(
        'HR_CREDENTIAL_IN_CURSOR',
        `${source.name}: the cursor of the next page holds a credential and is not stored`,
        {
          hint:
            'a next link is stored without it; another cursor cannot be: ' +
            'choose another paginate, or ask the API for cursors without credentials',
        },
      )
    },
  }
}
