/**
 * Asks for the lists of a document one after the other, parents before their children. Requests are bounded, and an API
 * that refuses several lists in a row, or cannot be asked at all, is left alone.
 */
import { messageOf, Stopped } from '#shared/errors.ts'
import { isOutOfReach } from '../../../fetcher/authoring/check/access.ts'
import { endsTrials } from '../asked/try-paging.ts'
import type { DocumentStream } from './read-document.ts'
import { type SettledStream, type SettleTools, settleStream } from './settle-stream.ts'

/** Over all lists; what is under way is finished. */
export const REQUESTS_MAX = 200
/** Lists in a row that the API does not give. */
const FAILED_MAX = 4

type Options = Omit<SettleTools, 'mayAsk' | 'whyNot' | 'settled'> & { offline: boolean }

export async function settleAll(
  streams: readonly DocumentStream[],
  { offline, ...tools }: Options,
): Promise<SettledStream[]> {
  const settled = new Map<string, SettledStream>()
  let whyNot = offline ? '--offline' : ''
  let [requests, failed] = [0, 0]
  try {
    for (const stream of streams) {
      const one = await settleStream(stream, { ...tools, mayAsk: whyNot === '', whyNot, settled })
      settled.set(stream.stream, one)
      requests += one.asked?.api.asked.reduce((sum, { attempts }) => sum + attempts, 0) ?? 0
      // An empty list is an answer.
      if (one.asked !== null || one.error instanceof Stopped) failed = 0
      else if (one.error !== null) failed += 1
      if (whyNot !== '') continue
      if (one.error !== null && (endsTrials(one.error) || isOutOfReach(one.error)))
        whyNot = `not asked: ${messageOf(one.error)}`
      else if (failed >= FAILED_MAX) whyNot = `not asked, after ${failed} failures in a row`
      else if (requests >= REQUESTS_MAX) whyNot = `not asked: ${requests} requests were enough; use --only`
    }
    return streams.flatMap(({ stream }) => settled.get(stream) ?? [])
  } catch (error) {
    await Promise.all([...settled.values()].map(({ asked }) => asked?.api.close()))
    throw error
  }
}
