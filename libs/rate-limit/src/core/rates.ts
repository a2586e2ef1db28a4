import type { Denial, DenialReason, RateState, RateStates, ScopeLimits } from '@switchboard/contracts';

export type Rate = keyof RateStates;

/** In the order in which scripts and replies hold them. */
export const RATES = ['requests', 'inputTokens', 'outputTokens', 'tokens'] as const satisfies readonly Rate[];

export function rateLimits({ rpm, itpm, otpm, tpm }: ScopeLimits): Record<Rate, number | undefined> {
  return { requests: rpm, inputTokens: itpm, outputTokens: otpm, tokens: tpm };
}

/** Of each rate the state with the least left. */
export function tightest(scopes: readonly RateStates[]): RateStates {
  const states: RateStates = {};
  for (const rate of RATES) {
    for (const scope of scopes) {
      const state = scope[rate];
      if (state !== undefined && isTighter(state, states[rate])) states[rate] = state;
    }
  }
  return states;
}

function isTighter(state: RateState, than: RateState | undefined): boolean {
  if (than === undefined || state.remaining !== than.remaining) return state.remaining < (than?.remaining ?? Infinity);
  return state.limit < than.limit;
}

/** One reason against a call; Infinity: waiting does not help. */
export interface Obstacle extends Pick<Denial, 'scope' | 'limit' | 'budget'> {
  reason: DenialReason;
  waitMs: number;
}

/** The one that decides: money that is gone, then what never fits, then the longest wait; the first of equals. */
export function decisive(obstacles: readonly Obstacle[]): Obstacle | undefined {
  let worst: Obstacle | undefined;
  for (const obstacle of obstacles) if (worst === undefined || weight(obstacle) > weight(worst)) worst = obstacle;
  return worst;
}

function weight({ reason, waitMs }: Obstacle): number {
  if (reason === 'budget' || reason === 'credits') return Infinity;
  return waitMs === Infinity ? Number.MAX_VALUE : waitMs;
}

export function denialOf({ waitMs, ...obstacle }: Obstacle, rates: RateStates): Denial {
  return { outcome: 'denied', ...obstacle, ...(waitMs !== Infinity && { retryAfterMs: waitMs }), rates };
}
