import {
  type Bus,
  decodeJson,
  type ExtensionReply,
  type ExtensionRequest,
  type Limiter,
  LimiterUnavailableError,
  type RateStateRequestV2,
  type RateStateV2,
  type ReservationReply,
  type ReservationRequest,
  reservedScopes,
  type Settlement,
  SUBJECTS,
  type Subscription,
} from '@switchboard/contracts';
import type { Logger } from '@switchboard/platform';
import { setTimeout as delay } from 'node:timers/promises';
import type { OpenReservation } from './core/open-reservations';
import { Settlements } from './settlements';
import { NotTakenError, StepBatcher } from './step-batcher';

/** Of a lease, between two renewals: two may be missed. */
const RENEWALS_PER_LEASE = 3;
const FIRST_LEASE_MS = 60_000;
/** What the store lost is to be back before the limiter asks the ledger, and may not be taken at once. */
const RESTORE_AGAIN_MS = 50;
const RESTORES_MAX = 20;

export interface BusLimiterOptions {
  bus: Bus;
  log: Logger;
  /** How long one answer may take; default 1000. */
  timeoutMs?: number;
  /** Steps in one message; default 64, 1: each travels alone. */
  batchMax?: number;
}

/**
 * The limiter, reached over the bus. It keeps what it reserved alive, tells of it when the store lost it, and settles
 * until the settlement is taken.
 */
export class BusLimiter implements Limiter {
  private readonly open = new Map<string, OpenReservation>();
  private readonly steps: StepBatcher;
  /** Each travels alone: none is to wait because another one waits for the ledger. */
  private readonly patient: StepBatcher;
  private readonly settlements: Settlements;
  private readonly subscriptions: Subscription[];
  private renewal: NodeJS.Timeout | undefined;
  private leaseMs = FIRST_LEASE_MS;

  constructor({ bus, log, timeoutMs = 1_000, batchMax = 64 }: BusLimiterOptions) {
    const onLease = (leaseMs: number): void => this.setLease(leaseMs);
    this.steps = new StepBatcher({ bus, timeoutMs, batchMax, onLease });
    this.patient = new StepBatcher({ bus, timeoutMs, batchMax: 1, onLease });
    this.settlements = new Settlements({ perform: (step) => this.steps.perform(step), log });
    this.subscriptions = [
      bus.subscribe(SUBJECTS.limiterRecall, () => this.restoreAll()),
      // While there was no connection nothing was renewed, nor a recall heard.
      bus.onConnected(() => this.renewAll()),
    ];
    this.scheduleRenewal();
  }

  async reserve(request: ReservationRequest, traceparent?: string): Promise<ReservationReply> {
    try {
      const reply = (await this.ask(request, traceparent)) as ReservationReply;
      if (reply.outcome === 'granted') {
        const { outputTokens } = reply;
        this.open.set(request.requestId, { request, outputTokens, heldNanoUsd: request.amounts.nanoUsd });
      }
      return reply;
    } catch (error) {
      // It may have been recorded all the same, and nobody else will settle it.
      if (error instanceof LimiterUnavailableError && !(error instanceof NotTakenError)) {
        this.settle({ ...request, ...NOTHING_SPENT, scopes: reservedScopes(request.scopes) });
      }
      throw error;
    }
  }

  async extend(request: ExtensionRequest): Promise<ExtensionReply> {
    const reply = await this.steps.perform({ do: 'extend', request });
    if (reply.outcome === 'granted') {
      const held = this.open.get(request.requestId);
      if (held !== undefined) held.heldNanoUsd += request.nanoUsd;
      return { outcome: 'granted' };
    }
    if (reply.outcome === 'denied') return reply as ExtensionReply;
    throw new LimiterUnavailableError(`the reservation is ${reply.outcome}`);
  }

  settle({ requestId, group, scopes, nanoUsd, inputTokens, outputTokens }: Settlement): void {
    const reservation = this.open.get(requestId);
    this.open.delete(requestId);
    this.settlements.add({ requestId, group, scopes, nanoUsd, inputTokens, outputTokens }, reservation);
  }

  async state(request: RateStateRequestV2): Promise<RateStateV2> {
    return decodeJson<RateStateV2>(await this.steps.ask(SUBJECTS.rateState, request));
  }

  /** Waits for settlements to be taken, so long. Those that are not expire with their reservations. */
  async close(timeoutMs: number): Promise<void> {
    await this.settlements.close(timeoutMs);
    clearTimeout(this.renewal);
    await Promise.all(this.subscriptions.map((subscription) => subscription.stop()));
  }

  private async ask(request: ReservationRequest, traceparent: string | undefined): ReturnType<StepBatcher['perform']> {
    // Undefined, it does not travel: JSON leaves it out.
    const reply = await this.steps.perform({ do: 'reserve', request, mayPend: true, traceparent });
    return reply.outcome === 'pending' ? this.patient.perform({ do: 'reserve', request, traceparent }) : reply;
  }

  private setLease(leaseMs: number): void {
    if (leaseMs === this.leaseMs) return;
    this.leaseMs = leaseMs;
    clearTimeout(this.renewal);
    this.scheduleRenewal();
  }

  private scheduleRenewal(): void {
    this.renewal = setTimeout(() => {
      this.renewAll();
      this.scheduleRenewal();
    }, this.leaseMs / RENEWALS_PER_LEASE).unref();
  }

  private renewAll(): void {
    for (const [requestId, { request }] of this.open) {
      const { group, scopes } = request;
      this.keep(requestId, this.steps.perform({ do: 'renew', requestId, group, scopes: reservedScopes(scopes) }));
    }
  }

  /** A renewal that fails is made up for by the next; what the store does not know is put back. */
  private keep(requestId: string, renewal: ReturnType<StepBatcher['perform']>): void {
    renewal.then(
      ({ outcome }) => {
        if (outcome === 'unknown') void this.restore(requestId);
      },
      () => undefined,
    );
  }

  private restoreAll(): void {
    for (const requestId of this.open.keys()) void this.restore(requestId);
  }

  /** Until it is taken or settled; at last the next renewal finds that it is missing. */
  private async restore(requestId: string): Promise<void> {
    for (let attempt = 0; attempt < RESTORES_MAX; attempt++) {
      const reservation = this.open.get(requestId);
      if (reservation === undefined) return;
      try {
        await this.steps.perform({ do: 'restore', ...reservation });
        return;
      } catch {
        await delay(RESTORE_AGAIN_MS, undefined, { ref: false });
      }
    }
  }
}

const NOTHING_SPENT = { nanoUsd: 0, inputTokens: 0, outputTokens: 0 };
