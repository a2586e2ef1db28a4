import { type Ledger, LedgerUnavailableError, type SpendingRequestV1, type SpendingV1 } from '@switchboard/contracts';
import { pause } from './waiting';

/** A ledger that says what it is told to. */
export class TestLedger implements Ledger {
  readonly questions: SpendingRequestV1[] = [];
  nanoUsd = 0;
  answersAfterMs = 0;
  away = false;

  async spent(request: SpendingRequestV1): Promise<SpendingV1> {
    this.questions.push(request);
    if (this.answersAfterMs > 0) await pause(this.answersAfterMs);
    if (this.away) throw new LedgerUnavailableError('metering is away');
    return { nanoUsd: this.nanoUsd };
  }
}
