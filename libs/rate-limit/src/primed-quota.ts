import {
  type Ledger,
  LedgerUnavailableError,
  type NanoUsd,
  type ReservationReply,
  type ReservationRequest,
} from '@switchboard/contracts';
import { setTimeout as delay } from 'node:timers/promises';
import type { Quota, UnknownSpending } from './core/quota';
import { UntriedError } from './core/untried-error';
import { nameOf, type StoreWatch } from './reserve-spans';

/** What a caller waits for the ledger; who reads it goes on, so that the next call finds it done. */
const WAIT_MS = 800;

export interface PrimedQuotaOptions {
  quota: Quota;
  ledger: Ledger;
  /**
   * Resolves once those who hold reservations have had the time to tell of them: the ledger knows nothing of open calls.
   */
  recalled: () => Promise<void>;
}

/** Spending could not be read from the ledger (yet): whoever has a budget cannot be admitted. */
export class SpendingUnknownError extends UntriedError {
  override readonly name = 'SpendingUnknownError';
}

/** Reserves, having read from the ledger what was spent where the store does not know it. */
export class PrimedQuota {
  /** One reading each, however many calls wait for it. */
  private readonly readings = new Map<string, Promise<void>>();

  constructor(private readonly options: PrimedQuotaOptions) {}

  /**
   * With `mayPend` it begins to read what it has to, and does not wait for it. `watch` is told of each question to the store.
   *
   * @throws SpendingUnknownError; the store's error when the store is away.
   */
  async reserve(
    request: ReservationRequest,
    mayPend = false,
    watch?: StoreWatch,
  ): Promise<ReservationReply | { outcome: 'pending' }> {
    const reply = await this.ask(request, watch);
    if (reply.outcome !== 'unprimed') return reply;
    if (mayPend) {
      // Whoever asks again hears of a failure.
      for (const budget of reply.budgets) this.reading(budget).catch(() => undefined);
      return { outcome: 'pending' };
    }
    await this.prime(reply.budgets);
    const again = await this.ask(request, watch);
    if (again.outcome === 'unprimed') throw new SpendingUnknownError('the store forgot what it was told');
    return again;
  }

  private async ask(request: ReservationRequest, watch: StoreWatch | undefined): ReturnType<Quota['reserve']> {
    const { quota } = this.options;
    if (watch === undefined) return quota.reserve(request);
    const startedMs = performance.now();
    try {
      const reply = await quota.reserve(request);
      watch(startedMs, performance.now(), undefined);
      return reply;
    } catch (error) {
      watch(startedMs, performance.now(), nameOf(error));
      throw error;
    }
  }

  private async prime(budgets: readonly UnknownSpending[]): Promise<void> {
    const tooLong = new AbortController();
    const readings = Promise.all(budgets.map((budget) => this.reading(budget))).then(() => true);
    // Of one that takes longer than its caller waits nobody may be left to hear the failure.
    readings.catch(() => undefined);
    const limit = delay(WAIT_MS, false, { signal: tooLong.signal }).catch(() => false);
    const done = await Promise.race([readings, limit]);
    tooLong.abort();
    if (!done) throw new SpendingUnknownError('the ledger is being read');
  }

  private reading(budget: UnknownSpending): Promise<void> {
    const { group, scope, id, period, periodStartMs } = budget;
    const name = [group, scope, id, period, periodStartMs].join(' ');
    let reading = this.readings.get(name);
    if (reading === undefined) {
      reading = this.read(budget).finally(() => this.readings.delete(name));
      this.readings.set(name, reading);
    }
    return reading;
  }

  private async read(budget: UnknownSpending): Promise<void> {
    await this.options.recalled();
    await this.options.quota.prime(budget, await this.spent(budget));
  }

  private async spent({ group, scope, periodStartMs: fromMs }: UnknownSpending): Promise<NanoUsd> {
    const tenantId = idIn(group);
    const keyId = scope.startsWith('key:') ? idIn(scope) : undefined;
    try {
      const { nanoUsd } = await this.options.ledger.spent({ tenantId, ...(keyId !== undefined && { keyId }), fromMs });
      return nanoUsd;
    } catch (error) {
      if (!(error instanceof LedgerUnavailableError)) throw error;
      throw new SpendingUnknownError(`what was spent is not known: ${error.message}`, { cause: error });
    }
  }
}

/** `tenant:acme` → `acme`. */
function idIn(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}
