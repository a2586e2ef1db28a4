import { createHash } from 'node:crypto';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { meantIssues } from '@switchboard/platform';
import type { z } from 'zod';
import type { Principal } from '../auth/principal';
import { AdminError, type Fault } from '../core/admin-error';
import { ENDPOINT, type Endpoint, isMutation } from './endpoint';
import { type HttpRequest, principalOf } from './exchange';

/** What a handler gets: parsed, with its defaults, and who sent it. */
export interface InputOf<E extends Endpoint> {
  params: E extends Endpoint<infer Params> ? z.output<Params> : never;
  query: E extends Endpoint<z.ZodType, infer Query> ? z.output<Query> : never;
  body: E extends Endpoint<z.ZodType, z.ZodType, infer Body> ? z.output<Body> : never;
  principal: Principal;
  /** Of a mutation that came with an Idempotency-Key. */
  idempotency?: { key: string; requestHash: string };
}

const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

/** The request, checked against its endpoint's schemas. @throws AdminError 400 with every fault of it. */
export const Input = createParamDecorator((_: unknown, context: ExecutionContext) => {
  const definition = Reflect.getMetadata(ENDPOINT, context.getHandler()) as Endpoint;
  return parseInput(definition, context.switchToHttp().getRequest<HttpRequest>());
});

function parseInput(definition: Endpoint, request: HttpRequest): object {
  const faults: Fault[] = [];
  const params = parsed(definition.params, paramsOf(request), faults);
  const query = parsed(definition.query, request.query ?? {}, faults, true);
  const body = parsed(definition.body, request.body ?? {}, faults);
  if (definition.query === undefined) refuseFields(request.query, 'the query', faults);
  if (definition.body === undefined) refuseFields(request.body, 'the body', faults);
  refuseNul(request.params, faults);
  refuseNul(request.query, faults);
  refuseNul(request.body, faults);
  const idempotency = isMutation(definition) ? idempotencyOf(request, faults) : undefined;
  if (faults.length > 0) throw invalid(definition, faults);
  return { params, query, body, principal: principalOf(request), idempotency };
}

function invalid(definition: Endpoint, faults: Fault[]): AdminError {
  const code = isMutation(definition) ? 'invalid_body' : 'invalid_query';
  return new AdminError(400, code, isMutation(definition) ? 'the request has faults' : 'the query has faults', {
    faults,
  });
}

/** A trailing wildcard is the id. */
function paramsOf(request: HttpRequest): Record<string, string> {
  const { '*': id, ...named } = request.params;
  return id === undefined ? named : { ...named, id };
}

function parsed(schema: z.ZodType | undefined, value: unknown, faults: Fault[], ofQuery = false): unknown {
  if (schema === undefined) return undefined;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  faults.push(...result.error.issues.flatMap(meantIssues).flatMap((issue) => faultsOf(issue, ofQuery)));
  return undefined;
}

/** An unknown field of a body is named by its path; one of a query is a fault of the query as a whole. */
function faultsOf(issue: z.core.$ZodIssue, ofQuery: boolean): Fault[] {
  const at = (...steps: PropertyKey[]): string => [...issue.path, ...steps].map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      return ofQuery ? { path: '', message: `unknown parameter: ${key}` } : { path: at(key), message: 'unknown field' };
    });
  }
  return [{ path: at(), message: issue.message.endsWith('received undefined') ? 'required' : issue.message }];
}

function refuseFields(value: unknown, what: string, faults: Fault[]): void {
  if (value === undefined || value === null) return;
  if (typeof value !== 'object' || Array.isArray(value)) {
    faults.push({ path: '', message: `${what} must be empty` });
    return;
  }
  for (const name of Object.keys(value)) faults.push({ path: name, message: `unknown field: ${what} must be empty` });
}

/** No text in Postgres may hold one. */
function refuseNul(value: unknown, faults: Fault[], path = ''): void {
  if (typeof value === 'string') {
    if (value.includes('\0')) faults.push({ path, message: 'must not hold the character U+0000' });
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, inner] of Object.entries(value)) refuseNul(inner, faults, path === '' ? name : `${path}.${name}`);
  }
}

function idempotencyOf(request: HttpRequest, faults: Fault[]): InputOf<Endpoint>['idempotency'] {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key !== 'string' || !IDEMPOTENCY_KEY.test(key)) {
    faults.push({ path: 'Idempotency-Key', message: 'must be 1 to 255 visible ASCII characters, given once' });
    return undefined;
  }
  const content = [request.method, request.url, JSON.stringify(request.body ?? null)].join('\n');
  return { key, requestHash: createHash('sha256').update(content).digest('hex') };
}
