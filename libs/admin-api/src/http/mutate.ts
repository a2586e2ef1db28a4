import { jsonObject } from '../core/json';
import type { Change, Mutations } from '../services/mutations';
import type { Endpoint } from './endpoint';
import type { InputOf } from './input';
import type { MutationAnswer } from './reply.interceptor';

/** Runs a mutation for its caller; what `work` returns is the body of the reply. */
export function mutate(
  mutations: Mutations,
  { status }: Endpoint,
  { principal: { actor }, idempotency }: Pick<InputOf<Endpoint>, 'principal' | 'idempotency'>,
  work: (change: Change) => Promise<object>,
): Promise<MutationAnswer> {
  const request = idempotency === undefined ? { actor } : { actor, idempotency };
  return mutations.run(request, async (change) => ({ status, body: jsonObject(await work(change)) }));
}
