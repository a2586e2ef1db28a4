import { LimiterUnavailableError, type Limiter, type Provider } from '@switchboard/contracts';
import type { Histogram, Logger, Metrics, Tally } from '@switchboard/platform';
import { accountReservation, hasLimits, type AccountCall } from '../core/account-reservation';
import { AccountLine, type AccountEntry } from './account-line';

export type { AccountCall } from '../core/account-reservation';
export type { AccountEntry, AccountFull, AccountRoom } from './account-line';

const WAIT_MS_MAX = 5_000;
const WAITING_MAX = 1_000;
const WAIT_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export interface ProviderAccountsOptions {
  /** Absent: nobody counts, and every call goes on. */
  limiter: Limiter | undefined;
  metrics: Metrics;
  log: Logger;
  /** How long a call waits for room at most; default 5,000. */
  waitMsMax?: number;
  /** How many calls of this edge wait for one account; default 1,000. */
  waitingMax?: number;
}

/**
 * Room in the accounts at providers, which all tenants and all edges share: a call takes some before it is dispatched, so
 * that it meets our queue and not the upstream's 429. The limiter counts for all edges; the queues are this edge's own.
 */
export class ProviderAccounts {
  private readonly lines = new Map<string, AccountLine>();
  private readonly outcomes: Tally;
  private readonly waits: Histogram<'provider'>;
  /** So that an outage is one line in the log, whatever the traffic. */
  private away = false;

  constructor(private readonly options: ProviderAccountsOptions) {
    const { metrics } = options;
    const { lines } = this;
    this.outcomes = metrics.tally({
      name: 'provider_account_total',
      help: 'Calls to providers with limits, by what came of asking for room in the account',
      labelNames: ['provider', 'outcome'],
    });
    this.waits = metrics.histogram({
      name: 'provider_account_wait_seconds',
      help: 'How long calls waited for room in a provider’s account, whether it came or not',
      labelNames: ['provider'],
      buckets: WAIT_SECONDS,
    });
    metrics.gauge({
      name: 'provider_account_waiting',
      help: 'Calls that wait for room in a provider’s account',
      labelNames: ['provider'],
      collect() {
        for (const [provider, line] of lines) this.set({ provider }, line.waiting);
      },
    });
  }

  /**
   * Undefined: the account has no limits, or nobody counts them; go ahead. `mayWait`: queues where there is no room; else
   * the call is told at once that the account is full, also where others wait. While the limiter is away calls get room
   * that nobody counts: the upstream's own limit still protects it.
   */
  enter(provider: Provider, call: AccountCall, mayWait: boolean): AccountEntry | undefined {
    const { limiter } = this.options;
    if (limiter === undefined || !hasLimits(provider)) return undefined;
    const line = this.lines.get(provider.id) ?? this.open(provider.id, limiter);
    return line.enter(call.tenantId, accountReservation(provider, call), mayWait);
  }

  private open(provider: string, limiter: Limiter): AccountLine {
    const { waitMsMax = WAIT_MS_MAX, waitingMax = WAITING_MAX } = this.options;
    const line = new AccountLine({
      ...{ limiter, waitMsMax, waitingMax },
      onOutcome: (outcome, waitedMs) => {
        this.outcomes.cell(provider, outcome).count++;
        if (waitedMs !== undefined) this.waits.observe({ provider }, waitedMs / 1000);
      },
      onAsked: (error) => this.asked(error),
    });
    this.lines.set(provider, line);
    return line;
  }

  private asked(error: unknown): void {
    if (error === undefined) {
      this.away = false;
      return;
    }
    // A fault of ours is no outage: each is worth a line.
    const fault = !(error instanceof LimiterUnavailableError);
    if (fault) this.options.log.error({ err: error }, 'the limits of a provider account could not be checked');
    else if (!this.away)
      this.options.log.warn({ err: error }, 'the limiter is away: provider accounts are not counted');
    this.away ||= !fault;
  }
}
