/** One small HTTP request of our own to a server of the options. It follows no redirect and is not repeated. */
import { type Agent, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'

/** Of an answer; more is not one. */
const ANSWER_CHARS_MAX = 1024 * 1024

type SmallRequest = {
  /** Sent by POST. Without it, GET. */
  body?: string
  headers: Record<string, string>
  agent: Agent | undefined
  timeoutMs: number
}

/** Rejects when there is no answer within `timeoutMs`, with the error of the socket where there is one. */
export function requestOnce(
  url: URL,
  { body, headers, agent, timeoutMs }: SmallRequest,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const asking = {
      method: body === undefined ? 'GET' : 'POST',
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
    request.end(body)
  })
}
