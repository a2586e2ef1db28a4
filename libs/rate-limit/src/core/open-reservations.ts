import type { NanoUsd, ReservationRequest } from '@switchboard/contracts';

export interface OpenReservation {
  request: ReservationRequest;
  outputTokens: number;
  heldNanoUsd: NanoUsd;
}
