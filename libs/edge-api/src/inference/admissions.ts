import {
  DENIAL_REASONS,
  type Denial,
  GatewayError,
  type KeyRecord,
  type Limiter,
  LimiterUnavailableError,
  priceAt,
  type RateState,
  type RateStates,
  type ReservationRequest,
  scopeName,
} from '@switchboard/contracts';
import type { Logger, Metrics, Tally } from '@switchboard/platform';
import { boundBy, boundsOfKey, reservedIn } from '../core/access';
import { denialError } from '../core/denial-error';
import { limitHeaders } from '../core/limit-headers';
import type { Candidate } from '../core/plan';
import type { RequestTrace } from '../core/request-trace';
import { worstCase, type Asked, type WorstCase } from '../core/worst-case';
import type { InferenceRequest } from './inference-request';
import { type OpenReservations, Reservation } from './reservation';

const ASK_AGAIN_SECONDS = 1;
/** In the exposition from the start: what nobody was refused for reads as 0. */
const OUTCOMES = [
  ...['admitted', 'unavailable_admitted', 'unavailable_refused'],
  ...DENIAL_REASONS.map((reason) => `denied_${reason}`),
];

export interface Call {
  requestId: string;
  key: KeyRecord;
  request: InferenceRequest;
  /** Not empty; the call may be served by any of them, and by no other. */
  candidates: readonly Candidate[];
  startedAtMs: number;
  trace?: RequestTrace | undefined;
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
  private readonly outcomes: Tally;
  /** Of keys that have used up their requests: nothing gives those back, so until then nobody need be asked. */
  private readonly exhausted = new WeakMap<KeyRecord, { denial: Denial; untilMs: number }>();
  private readonly open: OpenReservations = { count: 0, heldNanoUsd: 0 };
  /** So that an outage is two lines in the log, whatever the traffic. */
  private away = false;
  /** Calls for which the limiter is being asked. */
  private asking = 0;

  constructor(private readonly options: AdmissionsOptions) {
    this.outcomes = options.metrics.tally({
      name: 'admissions_total',
      help: 'Calls of keys with limits or a budget, by what came of asking the limiter',
      labelNames: ['outcome'],
    });
    for (const outcome of OUTCOMES) this.outcomes.cell(outcome);
    registerReservationGauges(options.metrics, this.open);
  }

  /** Whether calls of this key are to be admitted at all; most keys have no bounds, and nobody is asked. */
  concern(key: KeyRecord): boolean {
    return this.options.limiter !== undefined && boundBy(key) !== 'nothing';
  }

  /** What is known to be refused, before anything is spent on it. */
  refusedAlready(key: KeyRecord, dialect: InferenceRequest['dialect']): GatewayError | undefined {
    const exhausted = this.exhausted.get(key);
    if (exhausted === undefined) return undefined;
    const leftMs = Math.ceil(exhausted.untilMs - performance.now());
    if (leftMs <= 0) {
      this.exhausted.delete(key);
      return undefined;
    }
    this.count('denied_requests');
    const { scope, reason, limit, rates, retryAfterMs = 0 } = exhausted.denial;
    const denial: Denial = {
      outcome: 'denied',
      scope,
      reason,
      retryAfterMs: leftMs,
      rates: later(rates, retryAfterMs - leftMs),
    };
    if (limit !== undefined) denial.limit = limit;
    return denialError({ denial, inputTokens: 0, outputTokens: 0, nanoUsd: 0, nowMs: Date.now() }, dialect.id);
  }

  /** Whether a call may yet be admitted that then has to be settled. */
  get areUnderWay(): boolean {
    return this.asking > 0;
  }

  /** Rejects only for a fault of ours. */
  async admit(call: Call): Promise<Admission> {
    this.asking++;
    try {
      return await this.ask(call);
    } finally {
      this.asking--;
    }
  }

  private async ask(call: Call): Promise<Admission> {
    const { limiter, log } = this.options;
    if (limiter === undefined) return undefined;
    const bounds = boundsOfKey(call.key);
    const worst = worstCase(askedOf(call), call.candidates, bounds);
    const request = reservationRequest(call, worst);
    try {
      const reply = await limiter.reserve(request, call.trace?.admissionTraceparent);
      if (this.away) log.info('the limiter is back');
      this.away = false;
      if (reply.outcome === 'denied') return this.denied(call, worst, reply);
      this.count('admitted');
      const headers = limitHeaders(reply.rates, call.request.dialect.id, Date.now());
      const { outputTokens } = reply;
      const granted = { request, scopes: reservedIn(call.key), worst, outputTokens, headers };
      return new Reservation(limiter, granted, this.open);
    } catch (error) {
      if (!(error instanceof LimiterUnavailableError)) throw error;
      if (!this.away) log.warn({ err: error }, 'the limiter is away: keys with a budget are refused meanwhile');
      this.away = true;
      return this.withoutLimiter(call.key, error);
    }
  }

  private denied({ key, request }: Call, { amounts, outputTokens }: WorstCase, denial: Denial): GatewayError {
    this.count(`denied_${denial.reason}`);
    if (denial.reason === 'requests' && denial.scope === scopeName.key(key.id) && denial.retryAfterMs !== undefined) {
      this.exhausted.set(key, { denial, untilMs: performance.now() + denial.retryAfterMs });
    }
    const { inputTokens, nanoUsd } = amounts;
    return denialError({ denial, inputTokens, outputTokens, nanoUsd, nowMs: Date.now() }, request.dialect.id);
  }

  /** Money never overshoots; rate limits are as strict as the policy says. */
  private withoutLimiter(key: KeyRecord, cause: Error): GatewayError | undefined {
    const budgeted = boundBy(key) === 'budget';
    if (!budgeted && this.options.whenUnavailable() === 'open') {
      this.count('unavailable_admitted');
      return undefined;
    }
    this.count('unavailable_refused');
    const unchecked = budgeted ? 'The spending' : 'The rate limits';
    return new GatewayError(
      'limiter_unavailable',
      `${unchecked} of this API key cannot be checked right now, so the request was not sent on. Try again shortly.`,
      { retryAfterSeconds: ASK_AGAIN_SECONDS, cause },
    );
  }

  private count(outcome: string): void {
    this.outcomes.cell(outcome).count++;
  }
}

function registerReservationGauges(metrics: Metrics, open: OpenReservations): void {
  metrics.gauge({
    name: 'reservations_open',
    help: 'Calls of this edge that were admitted and are not settled',
    collect() {
      this.set(open.count);
    },
  });
  metrics.gauge({
    name: 'reservations_held_usd',
    help: 'What budgets and credits hold for them, at the most they can come to',
    collect() {
      this.set(open.heldNanoUsd / 1e9);
    },
  });
}

function askedOf({ request, startedAtMs }: Call): Asked {
  const { body, maxTokens, replyCount, sniffed } = request;
  return { body, maxTokens, replyCount, hasTools: sniffed.tools === 'filled', marks: sniffed, startedAtMs };
}

function reservationRequest(call: Call, { amounts }: WorstCase): ReservationRequest {
  const { requestId, key, request, candidates, startedAtMs } = call;
  const [first] = candidates;
  // Written out: spreads take thirty times as long, and every call of a bounded key comes through here.
  return {
    requestId,
    group: scopeName.tenant(key.tenant.id),
    scopes: boundsOfKey(key),
    amounts,
    startedAtMs,
    intent: {
      tenantId: key.tenant.id,
      keyId: key.id,
      requestedModel: request.model,
      model: first?.model.id ?? request.model,
      upstream: first?.provider.id ?? 'none',
      clientDialect: request.dialect.id,
      upstreamDialect: first?.dialect.id ?? request.dialect.id,
      stream: request.stream,
      ...(first !== undefined && { priceVersion: priceAt(first.model, startedAtMs).version }),
    },
  };
}

/** Of a denial some time ago: what is full again after a while is so all the sooner. */
function later(rates: RateStates, passedMs: number): RateStates {
  const told: RateStates = {};
  for (const rate of Object.keys(rates) as (keyof RateStates)[]) {
    const { limit, remaining, resetMs } = rates[rate] as RateState;
    told[rate] = { limit, remaining, resetMs: Math.max(0, resetMs - passedMs) };
  }
  return told;
}
