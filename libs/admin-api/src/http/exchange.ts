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

interface RequestState {
  id: string;
  /** On the clock of `performance.now`. */
  startedAtMs: number;
  principal?: Principal;
}

/** Whoever waits on a database that is silent is told so before they give up by themselves. */
const DEADLINE_MS = 4_500;

const states = new WeakMap<HttpRequest, RequestState>();

function stateOf(request: HttpRequest): RequestState {
  let state = states.get(request);
  if (state === undefined) {
    state = { id: `req_${uuid().replaceAll('-', '')}`, startedAtMs: performance.now() };
    states.set(request, state);
  }
  return state;
}

/** The same for a request however often it is asked. */
export function requestIdOf(request: HttpRequest): string {
  return stateOf(request).id;
}

/** What is left of the time a request may take. */
export function remainingMs(request: HttpRequest): number {
  return Math.max(0, stateOf(request).startedAtMs + DEADLINE_MS - performance.now());
}

export function setPrincipal(request: HttpRequest, principal: Principal): void {
  stateOf(request).principal = principal;
}

/** @throws when nobody was authenticated: an endpoint without a permission asked who calls. */
export function principalOf(request: HttpRequest): Principal {
  const { principal } = stateOf(request);
  if (principal === undefined) throw new Error('this endpoint does not authenticate its callers');
  return principal;
}
