import { v7 as uuid } from 'uuid';
import type { Principal } from '../auth/principal';

/** What of a Fastify request the API reads. */
export interface HttpRequest {
  method: string;
  url: string;
  headers: Record<string, string | string[] | undefined>;
  params: Record<string, string>;
  query: unknown;
  body: unknown;
}

/** What of a Fastify reply the API writes. */
export interface HttpReply {
  sent: boolean;
  header(name: string, value: string): unknown;
  status(code: number): HttpReply;
  send(body: unknown): unknown;
}

const requestIds = new WeakMap<HttpRequest, string>();
const principals = new WeakMap<HttpRequest, Principal>();

/** The same for a request however often it is asked. */
export function requestIdOf(request: HttpRequest): string {
  let id = requestIds.get(request);
  if (id === undefined) {
    id = `req_${uuid().replaceAll('-', '')}`;
    requestIds.set(request, id);
  }
  return id;
}

export function setPrincipal(request: HttpRequest, principal: Principal): void {
  principals.set(request, principal);
}

/** @throws when nobody was authenticated: an endpoint without a permission asked who calls. */
export function principalOf(request: HttpRequest): Principal {
  const principal = principals.get(request);
  if (principal === undefined) throw new Error('this endpoint does not authenticate its callers');
  return principal;
}

export function isPrincipalKnown(request: HttpRequest): boolean {
  return principals.has(request);
}
