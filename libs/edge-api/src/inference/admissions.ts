import {
  GatewayError,
  LimiterUnavailableError,
  type Bounds,
  type KeyRecord,
  type Limiter,
  type UsageRecordedV1,
} from '@switchboard/contracts';
import type { Logger, Metrics, TallyCell } from '@switchboard/platform';
import { totalInputTokens } from '@switchboard/protocol';
import { boundBy } from '../core/access';

const ASK_AGAIN_SECONDS = 1;

export interface Call {
  requestId: string;
  key: KeyRecord;
  /** Catalog id, or the routing name where no model is chosen yet. */
  model: string;
  startedAtMs: number;
}

export interface AdmissionsOptions {
  /** Absent: nothing is asked, and every call admitted. */
  limiter: Limiter | undefined;
  /** What keys with only rate limits meet while the limiter is away. */
  whenUnavailable: () => 'open' | 'closed';
  metrics: Metrics;
  log: Logger;
}

/** What a call was admitted with: a reservation, none where it goes on without one, or the refusal. */
export type Admission = Reservation | undefined | GatewayError;

/** Asks the limiter before a call spends. */
export class Admissions {
  private readonly admitted: TallyCell;
  private readonly unavailableRefused: TallyCell;
  private readonly unavailableAdmitted: TallyCell;
  /** So that an outage is two lines in the log, whatever the traffic. */
  private away = false;

  constructor(private readonly options: AdmissionsOptions) {
    const admissions = options.metrics.tally({
      name: 'admissions_total',
      help: 'Calls of keys with limits or a budget, by what came of asking the limiter',
      labelNames: ['outcome'],
    });
    this.admitted = admissions.cell('admitted');
    this.unavailableRefused = admissions.cell('unavailable_refused');
    this.unavailableAdmitted = admissions.cell('unavailable_admitted');
  }

  /** Whether calls of this key are to be admitted at all; most keys have no bounds, and nobody is asked. */
  concern(key: KeyRecord): boolean {
    return this.options.limiter !== undefined && boundBy(key) !== 'nothing';
  }

  /** Rejects only for a fault of ours. */
  async admit(call: Call): Promise<Admission> {
    const { limiter, log } = this.options;
    if (limiter === undefined) return undefined;
    const { requestId, key, model, startedAtMs } = call;
    try {
      await limiter.reserve({
        ...{ requestId, keyId: key.id, tenantId: key.tenant.id, model, startedAtMs },
        ...{ key: boundsOf(key), tenant: boundsOf(key.tenant) },
      });
    } catch (error) {
      if (!(error instanceof LimiterUnavailableError)) throw error;
      if (!this.away) log.warn({ err: error }, 'the limiter is away: keys with a budget are refused meanwhile');
      this.away = true;
      return this.withoutLimiter(key, error);
    }
    if (this.away) log.info('the limiter is back');
    this.away = false;
    this.admitted.count++;
    return new Reservation(limiter, call);
  }

  /** Money never overshoots; rate limits are as strict as the policy says. */
  private withoutLimiter(key: KeyRecord, cause: Error): GatewayError | undefined {
    const budgeted = boundBy(key) === 'budget';
    if (!budgeted && this.options.whenUnavailable() === 'open') {
      this.unavailableAdmitted.count++;
      return undefined;
    }
    this.unavailableRefused.count++;
    const unchecked = budgeted ? 'The spending' : 'The rate limits';
    return new GatewayError(
      'limiter_unavailable',
      `${unchecked} of this API key cannot be checked right now, so the request was not sent on. Try again shortly.`,
      { retryAfterSeconds: ASK_AGAIN_SECONDS, cause },
    );
  }
}

/** One admitted call's reservation; settled exactly once, however the call ends. */
export class Reservation {
  private settled = false;

  constructor(
    private readonly limiter: Limiter,
    private readonly call: Call,
  ) {}

  /** With what the call came to; without, it spent nothing. Only the first time counts. */
  settle(record?: UsageRecordedV1): void {
    if (this.settled) return;
    this.settled = true;
    const { requestId, key } = this.call;
    this.limiter.settle({
      ...{ requestId, keyId: key.id, tenantId: key.tenant.id },
      costNanoUsd: record?.costNanoUsd ?? 0,
      inputTokens: record === undefined ? 0 : totalInputTokens(record.usage),
      outputTokens: record?.usage.outputTokens ?? 0,
    });
  }
}

function boundsOf({ limits, budget }: Bounds): Bounds {
  return budget === undefined ? { limits } : { limits, budget };
}
