/**
 * The sample API's admin routes, for a demonstration that runs it as its own process. They respond to this machine
 * only, whatever address the server listens on. They exist only if the option `admin` is set.
 */
import type { FastifyInstance } from 'fastify'
import { Problem } from './query.ts'

type Knobs = { releaseRest(): void; revokeTokens(): void; stats(): object; counts(): object }

const LOOPBACK = /^(127\.|::1$|::ffff:127\.)/

export function addAdmin(app: FastifyInstance, api: Knobs): void {
  app.register(
    async (admin) => {
      admin.addHook('onRequest', async (request) => {
        if (!LOOPBACK.test(request.ip)) throw new Problem(403, 'Forbidden', 'this answers to its own machine only')
      })
      admin.get('/stats', async () => api.stats())
      admin.get('/counts', async () => api.counts())
      admin.post('/release', async () => {
        api.releaseRest()
        return api.counts()
      })
      admin.post('/revoke', async (_request, reply) => {
        api.revokeTokens()
        return reply.code(204).send()
      })
    },
    { prefix: '/admin' },
  )
}
