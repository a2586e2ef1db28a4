import {
  type Bus,
  type Bytes,
  decodeJson,
  encodeJson,
  LedgerUnavailableError,
  SUBJECTS,
  type Subscription,
} from '@switchboard/contracts';
import type { Pool } from '@switchboard/platform';
import { SpendingSums } from './adapters/spending-sums';
import { usageBacklog } from './client';
import { parseSpendingRequest } from './core/spending-request';
import { StreamCatchUp } from './stream-catch-up';

const GROUP = 'metering';
/** A ledger that is further behind does not answer: whoever asks has a call waiting. */
export const CATCH_UP_MS = 1_500;

/**
 * Answers what was spent, SpendingRequestV1 → SpendingV1, one of all of metering at a time. The answer holds all that the
 * usage stream held when it was asked, so that it comes after that is stored, or fails.
 */
export class SpendingService {
  private readonly catchUp: StreamCatchUp;
  private readonly sums: SpendingSums;
  private serving: Subscription | undefined;
  private stopped = false;

  /** `pool`: see `createSpendingPool`. */
  constructor(private readonly options: { bus: Bus; pool: Pool }) {
    this.catchUp = new StreamCatchUp({
      backlog: () => usageBacklog(options),
      behind: (messages) => new LedgerUnavailableError(`the ledger is ${messages} messages behind`),
    });
    this.sums = new SpendingSums(options.pool);
  }

  /** Call it once the database has this release's schema. */
  start(): void {
    if (this.stopped) return;
    this.serving ??= this.options.bus.serve(SUBJECTS.spending, GROUP, (payload) => this.answer(payload));
  }

  /** Resolves when the questions in hand are answered. */
  async stop(): Promise<void> {
    this.stopped = true;
    await this.serving?.stop();
  }

  private async answer(payload: Bytes): Promise<Bytes> {
    const request = parseSpendingRequest(decodeJson<unknown>(payload));
    await this.catchUp.reached(CATCH_UP_MS);
    return encodeJson({ nanoUsd: await this.sums.sum(request) });
  }
}
