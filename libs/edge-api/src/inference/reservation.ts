import {
  type Limiter,
  LimiterUnavailableError,
  type NanoUsd,
  type ReservationRequest,
  type ReservedScope,
  type Settlement,
  type UsageRecordedV1,
} from '@switchboard/contracts';
import { totalInputTokens } from '@switchboard/protocol';
import type { ReplyHeaders } from '../core/reply-headers';
import type { WorstCase } from '../core/worst-case';

export interface Granted {
  request: ReservationRequest;
  /** Names of the request's scopes. */
  scopes: ReservedScope[];
  worst: WorstCase;
  outputTokens: number;
  /** Of every reply to the call: its limits, as this call left them. */
  headers: ReplyHeaders;
}

/** Of all calls that are admitted and not settled. */
export interface OpenReservations {
  count: number;
  heldNanoUsd: NanoUsd;
}

/** One admitted call's reservation; settled exactly once, however the call ends. */
export class Reservation {
  /** Money set aside for the call so far. */
  heldNanoUsd: NanoUsd;
  private settled = false;

  constructor(
    private readonly limiter: Limiter,
    readonly granted: Granted,
    private readonly open: OpenReservations = { count: 0, heldNanoUsd: 0 },
  ) {
    this.heldNanoUsd = granted.request.amounts.nanoUsd;
    open.count++;
    open.heldNanoUsd += this.heldNanoUsd;
  }

  get paysMoney(): boolean {
    return this.granted.request.scopes.some(({ budgets }) => budgets.length > 0);
  }

  /** The most output of each reply that may be asked for, where that is less than what the client may have asked for. */
  outputTokensMost(replyCount: number): number | undefined {
    const { outputTokens, worst } = this.granted;
    return outputTokens < worst.outputTokens ? Math.max(1, Math.floor(outputTokens / replyCount)) : undefined;
  }

  /** False: there is no more. Where nobody can tell there is none either: money never overshoots. */
  async extend(nanoUsd: NanoUsd): Promise<boolean> {
    const { requestId, group } = this.granted.request;
    const { scopes } = this.granted;
    try {
      const reply = await this.limiter.extend({ requestId, group, scopes, nanoUsd });
      if (reply.outcome === 'granted') this.holdMore(nanoUsd);
      return reply.outcome === 'granted';
    } catch (error) {
      if (!(error instanceof LimiterUnavailableError)) throw error;
      return false;
    }
  }

  private holdMore(nanoUsd: NanoUsd): void {
    this.heldNanoUsd += nanoUsd;
    if (!this.settled) this.open.heldNanoUsd += nanoUsd;
  }

  /** With what the call came to; without, it spent nothing. Only the first time counts. */
  settle(record?: UsageRecordedV1): void {
    this.settling(record)?.();
  }

  /**
   * The same in two steps: from now on nothing else settles it, and what is returned tells the limiter. In between the
   * record is made safe: a process that dies first leaves a reservation, and one that dies later a record.
   */
  settling(record?: UsageRecordedV1): (() => void) | undefined {
    if (this.settled) return undefined;
    this.settled = true;
    this.open.count--;
    this.open.heldNanoUsd -= this.heldNanoUsd;
    const { requestId, group } = this.granted.request;
    // Written out: spreads take twenty times as long, and every call comes through here.
    const settlement: Settlement = {
      requestId,
      group,
      scopes: this.granted.scopes,
      nanoUsd: record?.costNanoUsd ?? 0,
      inputTokens: record === undefined ? 0 : totalInputTokens(record.usage),
      outputTokens: record?.usage.outputTokens ?? 0,
    };
    return () => this.limiter.settle(settlement);
  }
}
