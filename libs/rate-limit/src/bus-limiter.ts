import { setTimeout as delay } from 'node:timers/promises';
import {
  type Bus,
  BusUnavailableError,
  decodeJson,
  encodeJson,
  type Limiter,
  LimiterUnavailableError,
  RemoteError,
  type RateStateV1,
  type ReservationReplyV1,
  type ReservationRequestV1,
  SUBJECTS,
} from '@switchboard/contracts';
import { Outage } from './core/outage';

/** The only replica may be restarting: for so long it is asked again. */
const ABSENCE_TOLERATED_MS = 500;
const PAUSES_MS = [10, 20, 40, 80, 120];

export interface BusLimiterOptions {
  bus: Bus;
  /** How long one answer may take; default 1000. */
  timeoutMs?: number;
}

/** The limiter, reached over the bus. An outage is found out by few and costs the others no time. */
export class BusLimiter implements Limiter {
  private readonly outage = new Outage();
  private readonly bus: Bus;
  private readonly timeoutMs: number;

  constructor({ bus, timeoutMs = 1_000 }: BusLimiterOptions) {
    this.bus = bus;
    this.timeoutMs = timeoutMs;
  }

  async reserve(request: ReservationRequestV1): Promise<ReservationReplyV1> {
    try {
      return decodeJson<ReservationReplyV1>(await this.ask(SUBJECTS.reserve, request));
    } catch (error) {
      // It may have been recorded all the same, and nobody else will settle it.
      if (error instanceof LimiterUnavailableError) this.settle({ ...request, ...NOTHING_SPENT });
      throw error;
    }
  }

  settle({
    requestId,
    keyId,
    tenantId,
    costNanoUsd,
    inputTokens,
    outputTokens,
  }: Parameters<Limiter['settle']>[0]): void {
    this.bus.publish(
      SUBJECTS.settle,
      encodeJson({ requestId, keyId, tenantId, costNanoUsd, inputTokens, outputTokens }),
    );
  }

  async state(request: { keyId: string }): Promise<RateStateV1> {
    return decodeJson<RateStateV1>(await this.ask(SUBJECTS.rateState, request));
  }

  private async ask(subject: string, request: object): Promise<Uint8Array> {
    if (this.outage.isSilent(performance.now())) throw new LimiterUnavailableError('the limiter does not answer');
    const payload = encodeJson(request);
    for (let attempt = 0; ; attempt++) {
      const askedAtMs = performance.now();
      try {
        const reply = await this.bus.request(subject, payload, { timeoutMs: this.timeoutMs });
        this.outage.answered(performance.now());
        return reply;
      } catch (error) {
        if (!this.mayAskAgain(error, askedAtMs)) throw unavailable(error);
      }
      await delay(PAUSES_MS[attempt] ?? PAUSES_MS.at(-1));
    }
  }

  /** Only where nobody was there to ask, and not for long. */
  private mayAskAgain(error: unknown, askedAtMs: number): boolean {
    const nowMs = performance.now();
    if (error instanceof RemoteError) this.outage.answered(nowMs);
    if (!(error instanceof BusUnavailableError)) return false;
    // Timers may fire a moment early.
    if (nowMs - askedAtMs >= this.timeoutMs - 5) {
      this.outage.silent(askedAtMs, nowMs);
      return false;
    }
    return this.outage.absent(nowMs) < ABSENCE_TOLERATED_MS;
  }
}

const NOTHING_SPENT = { costNanoUsd: 0, inputTokens: 0, outputTokens: 0 };

function unavailable(error: unknown): unknown {
  if (error instanceof BusUnavailableError) {
    return new LimiterUnavailableError(`the limiter cannot be reached: ${error.message}`, { cause: error });
  }
  if (error instanceof RemoteError) {
    return new LimiterUnavailableError(`the limiter cannot decide: ${error.message}`, { cause: error });
  }
  return error;
}
