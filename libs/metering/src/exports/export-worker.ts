import type { Logger, PrismaClient } from '@switchboard/platform';
import { ExportLostError, ExportStore, type TakenExport } from './adapters/export-store';
import type { ExportMetrics } from './export-metrics';
import { ExportRefusedError, writeExport } from './export-writer';

/** An export that fails, or whose worker dies, so often is given up. */
const ATTEMPTS_MAX = 5;
/** For a connection of the pool. */
const CONNECTION_WAIT_MS = 5_000;
/** Of one snapshot. */
const WHOLE_TIMEOUT_MS = 3 * 3_600_000;

export interface ExportWorkerOptions {
  /** Connections of its own: one reads for as long as an export takes. */
  prisma: PrismaClient;
  log: Logger;
  metrics: ExportMetrics;
  nowMs?: () => number;
}

/** Makes the exports that were asked for, one at a time, and removes those whose time is over. */
export class ExportWorker {
  private readonly store: ExportStore;

  constructor(private readonly options: ExportWorkerOptions) {
    this.store = new ExportStore(options.prisma, options.nowMs ?? Date.now);
  }

  /** Resolves when none is left. @throws the first of the errors for which exports are to be made again. */
  async run(signal: AbortSignal): Promise<void> {
    await this.store.removeExpired();
    while (!signal.aborted) {
      const taken = await this.store.take();
      if (taken === undefined) return;
      try {
        await this.make(taken, signal);
      } catch (error) {
        // Deleted, or taken for abandoned: somebody else's business.
        if (!(error instanceof ExportLostError)) throw error;
        this.options.log.info({ export: taken.id }, error.message);
      }
    }
  }

  private async make(taken: TakenExport, signal: AbortSignal): Promise<void> {
    if (taken.attempts > ATTEMPTS_MAX) return this.giveUp(taken, `it could not be made in ${ATTEMPTS_MAX} attempts`);
    try {
      await this.options.prisma.$transaction((tx) => writeExport(tx, { taken, store: this.store, signal }), {
        ...{ isolationLevel: 'RepeatableRead', maxWait: CONNECTION_WAIT_MS, timeout: WHOLE_TIMEOUT_MS },
      });
    } catch (error) {
      if (error instanceof ExportLostError) throw error;
      if (error instanceof ExportRefusedError) return this.giveUp(taken, error.message);
      if (!signal.aborted) return this.putBack(taken, error);
    }
    // A stop is no attempt.
    if (signal.aborted) return this.store.giveBack(taken, taken.attempts - 1);
    await this.store.finish(taken);
    this.options.metrics.exports.inc({ result: 'done' });
  }

  private async giveUp(taken: TakenExport, reason: string): Promise<void> {
    await this.store.fail(taken, reason);
    this.options.metrics.exports.inc({ result: 'failed' });
    this.options.log.warn({ export: taken.id, reason }, 'an export is given up');
  }

  private async putBack(taken: TakenExport, error: unknown): Promise<never> {
    this.options.metrics.exports.inc({ result: 'retried' });
    // Where the database is away its lease ends by itself.
    await this.store.giveBack(taken, taken.attempts).catch(() => undefined);
    throw error;
  }
}
