import { type Ledger, LedgerUnavailableError } from '@switchboard/contracts';
import type { SpendingSums } from './adapters/spending-sums';
import type { UsageStore } from './adapters/usage-store';
import { CATCH_UP_MS } from './spending-service';

/** The ledger of a process that stores usage itself: what waits in its memory is stored before the answer. */
export function createLocalLedger(store: UsageStore, sums: SpendingSums): Ledger {
  return {
    spent: async (request) => {
      const behind = await store.caughtUp(CATCH_UP_MS);
      if (behind > 0) throw new LedgerUnavailableError(`the ledger is ${behind} records behind`);
      return { nanoUsd: await sums.sum(request) };
    },
  };
}
