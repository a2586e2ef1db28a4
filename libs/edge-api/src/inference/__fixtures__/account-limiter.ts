import type {
  Denial,
  DenialReason,
  Limiter,
  ReservationReply,
  ReservationRequest,
  Settlement,
} from '@switchboard/contracts';

const MINUTE_MS = 60_000;

/**
 * A limiter for one scope without budgets, by the rules of the port; its own package's may not be imported here. Buckets
 * are kept as what was taken of them, and drain by their limit per minute.
 */
export class AccountLimiter implements Limiter {
  private readonly open = new Map<string, { inputTokens: number; outputTokens: number }>();
  private readonly taken = { requests: 0, tokens: 0 };
  private drainedAtMs = performance.now();

  reserve(request: ReservationRequest): Promise<ReservationReply> {
    return Promise.resolve(this.decide(request));
  }

  private decide({ requestId, scopes, amounts }: ReservationRequest): ReservationReply {
    const { scope = '', limits = {} } = scopes[0] ?? {};
    const { rpm = Infinity, tpm = Infinity, concurrency = Infinity } = limits;
    this.drain(rpm, tpm);
    const { inputTokens } = amounts;
    const { least, most } = amounts.outputTokens;
    const denied = (reason: DenialReason, retryAfterMs: number): Denial => ({
      ...{ outcome: 'denied', scope, reason, rates: {} },
      ...(retryAfterMs !== Infinity && { retryAfterMs: Math.ceil(retryAfterMs) }),
    });
    const wait = (taken: number, units: number, limit: number): number =>
      units > limit ? Infinity : ((taken + units - limit) / limit) * MINUTE_MS;
    if (this.taken.requests + 1 > rpm) return denied('requests', wait(this.taken.requests, 1, rpm));
    if (this.taken.tokens + inputTokens + least > tpm) {
      return denied('tokens', wait(this.taken.tokens, inputTokens + least, tpm));
    }
    if (this.open.size >= concurrency) return denied('concurrency', 1_000);
    const outputTokens = Math.min(most, Math.floor(tpm - this.taken.tokens) - inputTokens);
    this.taken.requests++;
    this.taken.tokens += inputTokens + outputTokens;
    this.open.set(requestId, { inputTokens, outputTokens });
    return { outcome: 'granted', outputTokens, rates: {} };
  }

  settle({ requestId, inputTokens, outputTokens }: Settlement): void {
    const held = this.open.get(requestId);
    if (held === undefined) throw new Error(`nobody holds ${requestId}`);
    this.open.delete(requestId);
    this.taken.tokens += inputTokens + outputTokens - held.inputTokens - held.outputTokens;
  }

  extend(): never {
    throw new Error('nobody extends here');
  }

  state(): never {
    throw new Error('nobody asks here');
  }

  private drain(rpm: number, tpm: number): void {
    const elapsedMs = performance.now() - this.drainedAtMs;
    this.drainedAtMs += elapsedMs;
    this.taken.requests = Math.max(0, this.taken.requests - (rpm * elapsedMs) / MINUTE_MS) || 0;
    this.taken.tokens = Math.max(0, this.taken.tokens - (tpm * elapsedMs) / MINUTE_MS) || 0;
  }
}

/** A limiter as a test wants to see it, before the one that decides. */
export class WatchedLimiter implements Limiter {
  /** Ids of the calls asked for, and asked for again. */
  readonly asked: string[] = [];
  readonly settled: Settlement[] = [];
  /** What asking fails with. */
  failure: Error | undefined;
  private heldUp: Promise<void> | undefined;

  constructor(private readonly deciding: Limiter) {}

  /** From now on replies are decided, but come only once what this gives is called. */
  holdUp(): () => void {
    let release = (): void => undefined;
    this.heldUp = new Promise((resolve) => (release = resolve));
    return () => {
      this.heldUp = undefined;
      release();
    };
  }

  async reserve(request: ReservationRequest): Promise<ReservationReply> {
    this.asked.push(request.requestId);
    if (this.failure !== undefined) throw this.failure;
    const reply = await this.deciding.reserve(request);
    await this.heldUp;
    return reply;
  }

  settle(settlement: Settlement): void {
    this.settled.push(settlement);
    this.deciding.settle(settlement);
  }

  extend(): never {
    throw new Error('nobody extends here');
  }

  state(): never {
    throw new Error('nobody asks here');
  }
}
