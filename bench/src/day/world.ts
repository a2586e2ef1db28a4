import { costNanoUsd, priceAt, type OutcomeClass } from '@switchboard/contracts';
import { drawOf, logNormalOf } from './draws';
import { faultAt, type Fault, type SimulatedProvider } from './providers';
import { HOUR_MS, type DayRequest } from './requests';

/** What a call comes to, durations in milliseconds. */
export type Reply =
  | {
      kind: 'answered';
      firstTokenMs: number;
      /** From the first to the last token. */
      streamedMs: number;
      cacheReadTokens: number;
      outputTokens: number;
      costNanoUsd: number;
    }
  | { kind: 'refused'; outcome: OutcomeClass; afterMs: number; status?: number; retryAfterMs?: number }
  | { kind: 'silent' };

/** It keeps what it read for so long since it was read last. */
const CACHE_MS = 300_000;
const SLOW_TIMES = 20;
const FAILING_SHARE = 0.3;
const NOISE = 0.25;
/** How much longer than usual a call waits for its first token where as many wait as are served. */
const QUEUE_TIMES = 5;

interface ProviderState {
  inFlight: number;
  /** Of each session, when it was served last. */
  sessions: Map<number, number>;
  tokens: number;
  tokensAtMs: number;
}

/** The providers as they truly are, and as what is sent to them makes them. */
export class World {
  private readonly states: ProviderState[];

  constructor(
    readonly providers: readonly SimulatedProvider[],
    private readonly faults: readonly Fault[],
    private readonly seed: number,
  ) {
    this.states = providers.map(({ rateLimit }) => ({
      ...{ inFlight: 0, sessions: new Map<number, number>() },
      ...{ tokens: rateLimit?.burst ?? 0, tokensAtMs: 0 },
    }));
  }

  /** Answers nobody at all. */
  isDown(index: number, nowMs: number): boolean {
    const fault = this.faultOf(index, nowMs);
    return fault === 'dead' || fault === 'hung';
  }

  isAnyDown(nowMs: number): boolean {
    return this.providers.some((_, index) => this.isDown(index, nowMs));
  }

  /** What a call would come to, but for the noise that nobody can foresee. */
  foresee(request: DayRequest, index: number, nowMs: number): Reply {
    return this.replyOf(request, index, { nowMs, noise: 1 });
  }

  begin(request: DayRequest, index: number, nowMs: number): Reply {
    const noise = logNormalOf(1, NOISE, this.seed, request.index, index, 30);
    const reply = this.replyOf(request, index, { nowMs, noise });
    const state = this.stateOf(index);
    state.inFlight++;
    if (reply.kind !== 'answered') return reply;
    if (this.providerOf(index).rateLimit !== undefined) state.tokens--;
    if (request.session !== undefined) state.sessions.set(request.session, nowMs);
    return reply;
  }

  end(index: number): void {
    this.stateOf(index).inFlight--;
  }

  private replyOf(request: DayRequest, index: number, { nowMs, noise }: { nowMs: number; noise: number }): Reply {
    const fault = this.faultOf(index, nowMs);
    if (fault === 'dead') return { kind: 'refused', outcome: 'connect', afterMs: 5 };
    if (fault === 'hung') return { kind: 'silent' };
    const { room, rateLimit } = this.providerOf(index);
    const state = this.stateOf(index);
    if (rateLimit !== undefined) {
      const { perSecond, burst, retryAfterMs } = rateLimit;
      state.tokens = Math.min(burst, state.tokens + ((nowMs - state.tokensAtMs) * perSecond) / 1000);
      state.tokensAtMs = nowMs;
      if (state.tokens < 1) return { kind: 'refused', outcome: 'limited', afterMs: 80, status: 429, retryAfterMs };
    }
    if (room !== undefined && state.inFlight >= room.most) {
      return { kind: 'refused', outcome: 'failed', afterMs: 20, status: 503 };
    }
    if (fault === 'failing' && drawOf(this.seed, request.index, index, 31) < FAILING_SHARE) {
      return { kind: 'refused', outcome: 'failed', afterMs: 150, status: 500 };
    }
    return this.answerOf(request, index, { nowMs, times: noise * (fault === 'slow' ? SLOW_TIMES : 1) });
  }

  private answerOf(request: DayRequest, index: number, { nowMs, times }: { nowMs: number; times: number }): Reply {
    const provider = this.providerOf(index);
    const { inFlight, sessions } = this.stateOf(index);
    const servedMs = request.session === undefined ? undefined : sessions.get(request.session);
    const isCached = provider.cachesPrompts && servedMs !== undefined && nowMs - servedMs < CACHE_MS;
    const cacheReadTokens = isCached ? request.prefixTokens : 0;
    const inputTokens = request.inputTokens - cacheReadTokens;
    const outputTokens = Math.max(1, Math.round(request.outputTokens * provider.wordiness));
    const slowness = times * hourly(provider, nowMs);
    // What is under way when a call begins sets its pace to the end.
    const load = provider.room === undefined ? 1 : (inFlight + 1) / provider.room.calls;
    const queued = 1 + QUEUE_TIMES * Math.max(0, load - 1);
    const none = { cacheWrite5mTokens: 0, cacheWrite1hTokens: 0, reasoningTokens: 0 };
    const usage = { inputTokens, cacheReadTokens, outputTokens, ...none };
    return {
      kind: 'answered',
      cacheReadTokens,
      outputTokens,
      firstTokenMs: slowness * queued * (provider.firstTokenMs + provider.prefillMs * inputTokens),
      streamedMs: (slowness * Math.max(1, load) * 1000 * outputTokens) / provider.tokensPerSecond,
      costNanoUsd: costNanoUsd(usage, priceAt(provider, request.atMs).prices),
    };
  }

  private faultOf(index: number, nowMs: number) {
    return faultAt(this.providerOf(index).id, nowMs, this.faults);
  }

  private providerOf(index: number): SimulatedProvider {
    const provider = this.providers[index];
    if (provider === undefined) throw new RangeError(`there is no provider ${index}`);
    return provider;
  }

  private stateOf(index: number): ProviderState {
    const state = this.states[index];
    if (state === undefined) throw new RangeError(`there is no provider ${index}`);
    return state;
  }
}

/** How much slower than usual a provider is at a time of the day. */
function hourly({ slowestHour, rush }: SimulatedProvider, nowMs: number): number {
  const drift = 1 + 0.25 * Math.cos((2 * Math.PI * (nowMs / HOUR_MS - slowestHour)) / 24);
  return rush !== undefined && rush.fromMs <= nowMs && nowMs < rush.toMs ? 2 * drift : drift;
}
