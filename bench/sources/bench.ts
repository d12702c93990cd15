/** The bench's source as a folder of declarations, for services that run as processes of their own. */
import { environment } from '#shared/config/config.ts'
import { benchSource } from '../events.ts'

const { BENCH_FEED_EVERY_MS } = environment

export default BENCH_FEED_EVERY_MS === undefined ? benchSource(1) : benchSource(1, Number(BENCH_FEED_EVERY_MS))
