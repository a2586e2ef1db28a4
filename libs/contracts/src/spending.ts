import type { NanoUsd } from './money';

export const LEDGER = Symbol('LEDGER');

/** What was spent, as the ledger has it. */
export interface SpendingRequestV1 {
  tenantId: string;
  /** Absent: all of the tenant's keys. */
  keyId?: string;
  /** Calls that started at this time or later, milliseconds since the epoch. */
  fromMs: number;
}

export interface SpendingV1 {
  nanoUsd: NanoUsd;
}

/** Port: the ledger, as far as the limiter asks it. */
export interface Ledger {
  /**
   * Everything that was published before the question is in the answer.
   *
   * @throws LedgerUnavailableError when the ledger is away or too far behind.
   */
  spent(request: SpendingRequestV1): Promise<SpendingV1>;
}

export class LedgerUnavailableError extends Error {
  override readonly name = 'LedgerUnavailableError';
}
