import type { Ledger } from '@switchboard/contracts';
import type { Histogram } from '@switchboard/platform';

export function timedLedger(ledger: Ledger, seconds: Histogram): Ledger {
  return {
    spent: (request) => {
      const stop = seconds.startTimer();
      return ledger.spent(request).finally(() => void stop());
    },
  };
}
