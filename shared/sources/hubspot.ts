/**
 * Contacts of a HubSpot account: an example of a search by POST, and of a keyset to get around a cap. A query returns
 * 10,000 contacts at most. Its own cursor counts records, so a change to one contact can hide another. Requested by id
 * after the last one, every page is a query of its own: there is no cap, and nothing shifts. A search does not find
 * archived and merged contacts. Documented at https://developers.hubspot.com/docs/api-reference/search/guide.
 */
import { bearer, decimal, defineSource, int64, keyset, secret, z } from 'headrace'

const instant = () => z.iso.datetime()

/**
 * Named as HubSpot names its properties: the list of requested properties is made from it. All values are texts, or
 * null.
 */
const contact = z.object({
  id: int64(),
  email: z.string().nullable(),
  firstname: z.string().nullable(),
  lastname: z.string().nullable(),
  phone: z.string().nullable(),
  company: z.string().nullable(),
  jobtitle: z.string().nullable(),
  city: z.string().nullable(),
  country: z.string().nullable(),
  lifecyclestage: z.string().nullable().describe('subscriber, lead, customer, …, or the id of a stage of your own.'),
  hs_lead_status: z.string().nullable(),
  hubspot_owner_id: int64().nullable(),
  associatedcompanyid: int64().nullable(),
  num_associated_deals: int64().nullable(),
  total_revenue: decimal(24, 6).nullable().describe("In the account's currency."),
  hs_email_optout: z.enum(['true', 'false']).nullable(),
  hs_analytics_source: z.string().nullable(),
  createdate: instant(),
  closedate: instant().nullable(),
  lastmodifieddate: instant(),
})

type RawContact = { id: string; properties: Record<string, string | null> }

/** A contact in the shape of `contact`, unchecked. An exception here makes a dead letter. */
function contactOf(raw: RawContact & Record<string, unknown>): unknown {
  // The times outside `properties` repeat those inside, as hs_object_id repeats the id.
  const { id, properties, createdAt, updatedAt, archived, url, ...rest } = raw
  const { hs_object_id, ...named } = properties
  // A property that was emptied is "" where one that never had a value is null.
  const values = Object.entries(named).map(([name, value]) => [name, value === '' ? null : value])
  return { ...rest, ...Object.fromEntries(values), id }
}

const answer = z.object({ total: z.int(), results: z.array(z.unknown()) })

export default defineSource({
  name: 'hubspot',
  baseUrl: 'https://api.hubapi.com',
  onDemand: true,
  // Of a private app with the scope crm.objects.contacts.read.
  auth: bearer(secret('HUBSPOT_TOKEN')),
  quota: [
    // Of one private app.
    { requests: 100, per: '10s' },
    // Five a second, over all that the account's apps search for.
    { requests: 4, per: '1s', paths: ['/crm/v3/objects/*/search'] },
  ],
  streams: {
    contacts: {
      method: 'POST',
      path: '/crm/v3/objects/contacts/search',
      body: {
        filterGroups: [
          {
            filters: [
              { propertyName: 'lastmodifieddate', operator: 'GTE', value: 0 },
              { propertyName: 'hs_object_id', operator: 'GT', value: '0' },
            ],
          },
        ],
        sorts: [{ propertyName: 'hs_object_id', direction: 'ASCENDING' }],
        properties: Object.keys(contact.shape).filter((name) => name !== 'id'),
        limit: 200,
      },
      paginate: keyset({
        field: '/id',
        body: '/filterGroups/0/filters/1/value',
        // How many contacts the query finds in all. Throws if the response is no longer that of a search.
        hasMore: (body) => {
          const { total, results } = answer.parse(body)
          return total > results.length
        },
      }),
      records: '/results',
      map: contactOf,
      schema: contact,
      primaryKey: ['id'],
      // A search finds a change only after a while: records younger than settle are fetched again. In the order of ids,
      // the watermark moves when a run is complete.
      watermark: { field: 'lastmodifieddate', body: '/filterGroups/0/filters/0/value', as: 'epochMs', settle: '10m' },
      every: '5m',
    },
  },
})
