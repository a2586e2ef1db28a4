import { z } from 'zod';
import { type Endpoint, isMutation } from './endpoint';
import { errorReply, replySchemas } from './replies/reply-registry';
import type { Route } from './routes';

type JsonSchema = Record<string, unknown>;

/** Of what is under `/api/v1`; the release has a number of its own. */
const API_VERSION = '1.0.0';
const SCHEMA_ROOT = '#/components/schemas/';

/** The OpenAPI 3.1 document of these routes, made of the very schemas that check requests and describe replies. */
export function openApiDocument(routes: readonly Route[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const { path, method, endpoint } of routes) {
    const shown = path.replaceAll(/:(\w+)/g, '{$1}').replace(/\*$/, '{id}');
    (paths[shown] ??= {})[method.toLowerCase()] = operationOf(endpoint, shown);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Switchboard admin API',
      version: API_VERSION,
      description: 'Tenants, keys, budgets, credits, providers, models; usage, audit, routing and system health.',
    },
    servers: [{ url: '/' }],
    security: [{ adminToken: [] }, { identityToken: [] }],
    paths,
    components: {
      securitySchemes: {
        adminToken: { type: 'http', scheme: 'bearer', description: 'ADMIN_TOKEN: owns the platform.' },
        identityToken: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'Of the configured OIDC issuer, with roles per tenant (viewer, admin, owner; `*`: everywhere).',
        },
      },
      schemas: namedSchemas(),
    },
  };
}

function operationOf(endpoint: Endpoint, path: string): object {
  const { operationId, summary, permission, body } = endpoint;
  return {
    operationId,
    summary,
    tags: [path.split('/')[3] ?? ''],
    ...(permission === undefined ? { security: [] } : { 'x-permission': permission }),
    parameters: [
      ...parametersOf(endpoint.params, 'path'),
      ...parametersOf(endpoint.query, 'query'),
      ...(isMutation(endpoint) ? [IDEMPOTENCY_KEY] : []),
    ],
    ...(body === undefined
      ? {}
      : { requestBody: { required: isRequired(body), content: jsonContent(inputSchema(body)) } }),
    responses: responsesOf(endpoint),
  };
}

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  description: 'The same key and request replay the first reply; the same key with another request is a 409.',
  schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,255}$' },
};

function responsesOf(endpoint: Endpoint): object {
  const { status, permission, binary } = endpoint;
  const failures = permission === undefined ? [] : ['400', '401', '403', '404', '503'];
  if (isMutation(endpoint)) failures.push('409', '413');
  if (binary !== undefined) failures.push('409');
  const failure = { description: 'An error.', content: jsonContent({ $ref: `${SCHEMA_ROOT}Error` }) };
  return {
    [String(status)]: { description: 'As asked.', headers: headersOf(endpoint), content: contentOf(endpoint) },
    ...Object.fromEntries(failures.sort().map((code) => [code, failure])),
  };
}

function contentOf({ reply, csv, binary }: Endpoint): object {
  if (binary !== undefined) return { [binary]: { schema: { type: 'string', format: 'binary' } } };
  return {
    ...jsonContent(schemaOfReply(reply)),
    ...(csv === true ? { 'text/csv': { schema: { type: 'string' } } } : {}),
  };
}

function headersOf(endpoint: Endpoint): object {
  const text = { schema: { type: 'string' } };
  return {
    'x-request-id': text,
    ...(isMutation(endpoint) ? { 'idempotent-replayed': { schema: { const: 'true' } } } : {}),
    ...(endpoint.csv === true ? { 'x-next-cursor': text } : {}),
  };
}

function parametersOf(schema: z.ZodType | undefined, place: 'path' | 'query'): object[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = inputSchema(schema) as { properties?: object; required?: string[] };
  return Object.entries(properties).map(([name, property]) => {
    return { name, in: place, required: required.includes(name), schema: property as JsonSchema };
  });
}

function isRequired(body: z.ZodType): boolean {
  return !body.safeParse({}).success;
}

function jsonContent(schema: object): Record<string, object> {
  return { 'application/json': { schema } };
}

function inputSchema(schema: z.ZodType): JsonSchema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return rest;
}

/** By name where it has one. */
function schemaOfReply(schema: z.ZodType): object {
  const id = replySchemas.get(schema)?.id;
  if (id !== undefined) return { $ref: SCHEMA_ROOT + id };
  if (!(schema instanceof z.ZodUnion)) throw new Error('a reply that has no name');
  return { anyOf: schema.options.map((option) => schemaOfReply(option as z.ZodType)) };
}

function namedSchemas(): JsonSchema {
  if (!replySchemas.has(errorReply)) throw new Error('errors have no name');
  const { schemas } = z.toJSONSchema(replySchemas, {
    io: 'output',
    uri: (id) => SCHEMA_ROOT + id,
    unrepresentable: 'any',
  });
  return Object.fromEntries(
    Object.entries(schemas).map(([id, { $schema: _, $id: __, ...schema }]) => [id, schema as JsonSchema]),
  );
}
