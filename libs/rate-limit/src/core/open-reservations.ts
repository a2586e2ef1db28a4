import type { NanoUsd, ReservationRequest, ReservedScope, ScopeBounds } from '@switchboard/contracts';

export interface OpenReservation {
  request: ReservationRequest;
  outputTokens: number;
  heldNanoUsd: NanoUsd;
}

/** Names of what a call is reserved in, in the order in which it was. */
export function namesOf(scopes: readonly ScopeBounds[]): ReservedScope[] {
  return scopes.map(({ scope, budgets }) => ({ scope, budgets: budgets.map(({ id }) => id) }));
}
