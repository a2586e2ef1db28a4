import type { OutcomeClass, AccountRefusal } from '@switchboard/contracts';
import { isFailure } from '@switchboard/upstreams';
import type { WindowSum } from './outcome-window';

const OUTCOMES: Readonly<Record<OutcomeClass, string>> = {
  ok: 'served',
  limited: 'limited',
  account: 'refused',
  failed: 'server errors',
  missing: 'unknown model',
  timeout: 'timeouts',
  connect: 'no connection',
  malformed: 'malformed',
  broken: 'broken off',
  client: 'faulty requests',
};

/** `7 of 9 calls failed within 5 s (server errors 6, timeouts 1)`. */
export function failuresInWords({ ok, failed, counts }: WindowSum, withinSeconds: number): string {
  const kinds = (Object.entries(counts) as [OutcomeClass, number][])
    .filter(([outcome, count]) => count > 0 && isFailure(outcome))
    .sort(([, left], [, right]) => right - left)
    .map(([outcome, count]) => `${OUTCOMES[outcome]} ${count}`);
  return `${failed} of ${ok + failed} calls failed within ${withinSeconds} s (${kinds.join(', ')})`;
}

export function refusalInWords(refusal: AccountRefusal): string {
  return refusal === 'payment' ? 'the provider wants to be paid (402)' : 'the provider refuses the credential';
}

export function milliseconds(ms: number): string {
  return ms < 10_000 ? `${Math.round(ms)} ms` : seconds(ms);
}

export function seconds(ms: number): string {
  return `${ms < 10_000 ? Math.ceil(ms / 100) / 10 : Math.ceil(ms / 1000)} s`;
}
