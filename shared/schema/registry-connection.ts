/** How the registry is reached: over TLS with an authority or a client certificate of its own, where they are given. */
import { type Agent, request as requestHttp } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import { trustedAuthorities } from '../trusted-authorities.ts'

/** PEM. */
export type RegistryTls = { ca?: string; cert?: string; key?: string }

/** Undefined: the connections of Node, with the public authorities. */
export function registryAgent(tls: RegistryTls | undefined): Agent | undefined {
  if (tls === undefined) return undefined
  const { ca, ...certificate } = tls
  return new HttpsAgent({ ...certificate, ...trustedAuthorities(ca) })
}

/** Of a registry's answer; more is not one. */
const ANSWER_CHARS_MAX = 1024 * 1024

/** One GET that follows no redirect. Rejects when there is no answer within `timeoutMs`. */
export function getOnce(
  url: URL,
  { headers, agent, timeoutMs }: { headers: Record<string, string>; agent: Agent | undefined; timeoutMs: number },
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const asking = {
      headers,
      signal: AbortSignal.timeout(timeoutMs),
      ...(agent === undefined ? {} : { agent }),
    }
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, asking, async (answer) => {
      let text = ''
      try {
        for await (const chunk of answer.setEncoding('utf8')) {
          text += chunk
          if (text.length > ANSWER_CHARS_MAX) throw new RangeError('a long answer')
        }
        resolve({ status: answer.statusCode ?? 0, text })
      } catch (error) {
        reject(error)
      }
    })
    request.on('error', reject)
    request.end()
  })
}
