/** A JWT of the shop, a text that nothing may show, and an empty page. */
import { secret } from '#shared/declaration/secret.ts'
import type { Answer } from '../../../support/http.ts'

export const PAGE: Answer = { json: { data: [], next: null } }

export const CANARY = 'c4nary-of-the-signing-key'

export const JWT = { issuer: 'app@shop', privateKey: secret('SHOP_PEM'), algorithm: 'RS256' as const }
