/** One short HTTP request to a local server: does it succeed with the expected body? Never throws. */
import { request } from 'undici'

const ANSWER_BYTES_MAX = 1024 * 1024

export async function isHttpReady(url: string, withinMs: number, body?: string): Promise<boolean> {
  try {
    const response = await request(url, {
      headersTimeout: withinMs,
      bodyTimeout: withinMs,
      signal: AbortSignal.timeout(withinMs),
    })
    const text = await response.body.text()
    return response.statusCode === 200 && text.length < ANSWER_BYTES_MAX && (body === undefined || text.trim() === body)
  } catch {
    return false
  }
}
