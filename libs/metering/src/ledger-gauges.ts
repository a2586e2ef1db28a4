import type { Gauge, Metrics, Pool } from '@switchboard/platform';
import { lastReconciliation } from './adapters/reconciliation-log';

const INTERVAL_MS = 30_000;

/** The result of the last reconciliation, whichever process it was done by: every replica says the same. */
export class LedgerGauges {
  private readonly balanced: Gauge;
  private readonly reconciledAt: Gauge;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: { pool: Pool; metrics: Metrics }) {
    this.balanced = options.metrics.gauge({
      name: 'ledger_balanced',
      help: 'Whether the last reconciliation found the ledger balanced: 1, or 0. NaN: there was none, or it is not known. Alert on 0.',
    });
    this.reconciledAt = options.metrics.gauge({
      name: 'ledger_reconciled_timestamp_seconds',
      help: 'When the last reconciliation ended.',
    });
    this.set(NaN, NaN);
  }

  /** Call it once the database has this release's schema. */
  start(): void {
    this.timer ??= setInterval(() => void this.read(), INTERVAL_MS).unref();
    void this.read();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  async read(): Promise<void> {
    try {
      const last = await lastReconciliation(this.options.pool);
      if (last === undefined) this.set(NaN, NaN);
      else this.set(last.balanced ? 1 : 0, last.finishedAtMs / 1_000);
    } catch {
      // Whoever stores usage tells of the outage; the figure is unknown meanwhile, not what it was.
      this.set(NaN, NaN);
    }
  }

  private set(balanced: number, reconciledAt: number): void {
    this.balanced.set(balanced);
    this.reconciledAt.set(reconciledAt);
  }
}
