/** The same small API in every version of the specification, as different authors would write it. */

export const SHOP_2_0 = {
  swagger: '2.0',
  info: { title: 'Shop', version: '1' },
  host: 'api.shop.example',
  basePath: '/v1',
  schemes: ['http', 'https'],
  produces: ['application/json'],
  securityDefinitions: { key: { type: 'apiKey', in: 'header', name: 'X-Shop-Key' } },
  security: [{ key: [] }],
  paths: {
    '/orders': {
      get: {
        operationId: 'listOrders',
        summary: 'All orders',
        parameters: [
          { name: 'cursor', in: 'query', type: 'string' },
          { name: 'limit', in: 'query', type: 'integer', default: 50, maximum: 200 },
        ],
        responses: { 200: { description: 'OK', schema: { $ref: '#/definitions/OrderPage' } } },
      },
      post: { parameters: [{ name: 'order', in: 'body', schema: {} }], responses: { 201: { description: 'made' } } },
    },
    '/orders/{id}': {
      get: {
        operationId: 'getOrder',
        parameters: [{ name: 'id', in: 'path', required: true, type: 'string' }],
        responses: { 200: { description: 'OK', schema: { $ref: '#/definitions/Order' } } },
      },
    },
    '/orders/{id}/notes': {
      parameters: [{ name: 'id', in: 'path', required: true, type: 'string' }],
      get: {
        operationId: 'listNotes',
        responses: {
          200: { description: 'OK', schema: { type: 'array', items: { $ref: '#/definitions/Note' } } },
        },
      },
    },
  },
  definitions: {
    OrderPage: {
      type: 'object',
      properties: {
        data: { type: 'array', items: { $ref: '#/definitions/Order' } },
        meta: { type: 'object', properties: { next_cursor: { type: 'string', 'x-nullable': true } } },
      },
    },
    Thing: { type: 'object', required: ['id'], properties: { id: { type: 'string' } } },
    Order: {
      allOf: [
        { $ref: '#/definitions/Thing' },
        {
          required: ['status'],
          properties: {
            status: { type: 'string', enum: ['open', 'paid'] },
            total: { type: 'number', 'x-nullable': true },
            created_at: { type: 'string', format: 'date-time' },
            lines: { type: 'array', items: { type: 'object', properties: { sku: { type: 'string' } } } },
          },
        },
      ],
    },
    Note: { type: 'object', properties: { text: { type: 'string' }, answers: { $ref: '#/definitions/Notes' } } },
    Notes: { type: 'array', items: { $ref: '#/definitions/Note' } },
  },
}

const json = (schema: unknown) => ({ description: 'OK', content: { 'application/json': { schema } } })
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` })
const id = { name: 'id', in: 'path', required: true, schema: { type: 'string' } }

/** `nullable`: how this version says that a value may be null. */
const shop = (version: string, nullable: (type: string) => object) => ({
  openapi: version,
  info: { title: 'Shop', version: '1' },
  servers: [{ url: 'https://api.shop.example/v1' }],
  security: [{ key: [] }],
  paths: {
    '/orders': {
      get: {
        operationId: 'listOrders',
        summary: 'All orders',
        parameters: [
          { name: 'cursor', in: 'query', schema: { type: 'string' } },
          { name: 'limit', in: 'query', schema: { type: 'integer', default: 50, maximum: 200 } },
        ],
        responses: { 200: json(ref('OrderPage')) },
      },
      post: { requestBody: json({}), responses: { 201: { description: 'made' } } },
    },
    '/orders/{id}': { get: { operationId: 'getOrder', parameters: [id], responses: { 200: json(ref('Order')) } } },
    '/orders/{id}/notes': {
      parameters: [id],
      get: { operationId: 'listNotes', responses: { 200: json({ type: 'array', items: ref('Note') }) } },
    },
  },
  components: {
    securitySchemes: { key: { type: 'apiKey', in: 'header', name: 'X-Shop-Key' } },
    schemas: {
      OrderPage: {
        type: 'object',
        properties: {
          data: { type: 'array', items: ref('Order') },
          meta: { type: 'object', properties: { next_cursor: nullable('string') } },
        },
      },
      Thing: { type: 'object', required: ['id'], properties: { id: { type: 'string' } } },
      Order: {
        allOf: [
          ref('Thing'),
          {
            required: ['status'],
            properties: {
              status: { type: 'string', enum: ['open', 'paid'] },
              total: nullable('number'),
              created_at: { type: 'string', format: 'date-time' },
              lines: { type: 'array', items: { type: 'object', properties: { sku: { type: 'string' } } } },
            },
          },
        ],
      },
      Note: { type: 'object', properties: { text: { type: 'string' }, answers: ref('Notes') } },
      Notes: { type: 'array', items: ref('Note') },
    },
  },
})

export const SHOP_3_0 = shop('3.0.3', (type) => ({ type, nullable: true }))
export const SHOP_3_1 = shop('3.1.0', (type) => ({ type: [type, 'null'] }))

/** A document of version 3.1 with one list. */
export const listOf = (item: unknown, more: { schemas?: object; operation?: object; root?: object } = {}) => ({
  openapi: '3.1.0',
  info: { title: 'Things', version: '1' },
  servers: [{ url: 'https://api.things.example' }],
  paths: { '/things': { get: { responses: { 200: json({ type: 'array', items: item }) }, ...more.operation } } },
  components: { schemas: more.schemas ?? {} },
  ...more.root,
})

export const jsonResponse = json
