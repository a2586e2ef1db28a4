import {
  type Bus,
  BusUnavailableError,
  decodeJson,
  encodeJson,
  type Ledger,
  LedgerUnavailableError,
  RemoteError,
  SUBJECTS,
  type SpendingV1,
} from '@switchboard/contracts';

/** `timeoutMs`: how long one question may take; 2,500 by default, more than metering waits for its stream. */
export interface BusLedgerOptions {
  bus: Bus;
  timeoutMs?: number;
}

/** The ledger of the metering service. */
export function createBusLedger({ bus, timeoutMs = 2_500 }: BusLedgerOptions): Ledger {
  return {
    spent: async (request) => {
      const reply = await bus.request(SUBJECTS.spending, encodeJson(request), { timeoutMs }).catch(unavailable);
      const { nanoUsd } = decodeJson<SpendingV1>(reply);
      // No number would pass for no spending at all.
      if (!Number.isSafeInteger(nanoUsd)) throw new LedgerUnavailableError('the ledger’s answer holds no amount');
      return { nanoUsd };
    },
  };
}

function unavailable(error: unknown): never {
  if (!(error instanceof BusUnavailableError) && !(error instanceof RemoteError)) throw error;
  throw new LedgerUnavailableError(error.message, { cause: error });
}
