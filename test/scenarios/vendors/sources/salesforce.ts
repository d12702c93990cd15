/** Accounts of Salesforce, by a query in SOQL. A connected app signs in with a key of its own. */
import { defineSource, instant, jwtBearer, nextUrl, optional, secret, setting, z } from 'headrace'

const account = z.object({
  Id: z.string(),
  Name: z.string(),
  AnnualRevenue: z.number().nullable(),
  IsDeleted: z.boolean(),
  SystemModstamp: instant(),
})

const query = `SELECT ${Object.keys(account.shape).join(',')} FROM Account`

export default defineSource({
  name: 'salesforce',
  baseUrl: setting('SALESFORCE_INSTANCE_URL', 'https://your-domain.invalid'),
  auth: jwtBearer({
    tokenUrl: setting('SALESFORCE_TOKEN_URL', 'https://login.salesforce.com/services/oauth2/token'),
    audience: 'https://login.salesforce.com',
    issuer: secret('SALESFORCE_CLIENT_ID'),
    subject: secret('SALESFORCE_USER'),
    privateKey: secret('SALESFORCE_KEY'),
    algorithm: 'RS256',
    life: '3m',
  }),
  quota: { requests: 100_000, per: '1d' },
  streams: {
    accounts: {
      path: '/services/data/v62.0/queryAll',
      params: ({ from }) => ({ q: `${query} WHERE SystemModstamp > ${from} ORDER BY SystemModstamp` }),
      paginate: nextUrl({ next: optional('/nextRecordsUrl'), total: '/totalSize' }),
      records: '/records',
      deleted: '/IsDeleted',
      schema: account,
      unknownFields: 'drop', // attributes
      primaryKey: ['Id'],
      watermark: { field: 'SystemModstamp', start: '2024-01-01T00:00:00Z', exclusive: true, sorted: true },
    },
  },
})
