import { costNanoUsd, priceAt, type NanoUsd, type OutcomeClass } from '@switchboard/contracts';
import type { DayProvider } from './providers';
import type { DayRequest } from './requests';

/** What comes of asking a provider. Durations in milliseconds from when it was asked. */
export type Answer =
  | { ok: true; firstTokenAfterMs: number; endsAfterMs: number; costNanoUsd: NanoUsd }
  | { ok: false; afterMs: number; outcome: OutcomeClass; status?: number; retryAfterMs?: number };

/** So long a first token is waited for. */
export const FIRST_TOKEN_LIMIT_MS = 20_000;
const REFUSED_AFTER_MS = 5;
const ERROR_AFTER_MS = 150;

/** The providers of the day, as one way of routing loads them. */
export class DayWorld {
  private readonly underWay: number[];

  constructor(readonly providers: readonly DayProvider[]) {
    this.underWay = providers.map(() => 0);
  }

  /** Who is asked has to say when that call is over: see `end`. */
  ask(index: number, request: DayRequest, nowMs: number): Answer {
    const answer = this.foresee(index, request, nowMs);
    this.underWay[index] = (this.underWay[index] ?? 0) + 1;
    return answer;
  }

  end(index: number): void {
    this.underWay[index] = (this.underWay[index] ?? 0) - 1;
  }

  /** What would come of it, without asking. */
  foresee(index: number, request: DayRequest, nowMs: number): Answer {
    const provider = this.providers[index];
    const luck = request.luck[index];
    if (provider === undefined || luck === undefined) throw new RangeError(`there is no provider ${index}`);
    const incident = provider.incidents.find(({ fromMs, toMs }) => nowMs >= fromMs && nowMs < toMs);
    switch (incident?.kind) {
      case 'refuses':
        return { ok: false, afterMs: REFUSED_AFTER_MS, outcome: 'connect' };
      case 'hangs':
        return { ok: false, afterMs: FIRST_TOKEN_LIMIT_MS, outcome: 'timeout' };
      case 'fails':
        if (luck.ailing < incident.share) return { ok: false, afterMs: ERROR_AFTER_MS, outcome: 'failed', status: 500 };
        break;
      case 'limits': {
        const { retryAfterMs } = incident;
        const limited = { afterMs: ERROR_AFTER_MS, outcome: 'limited', status: 429, retryAfterMs } as const;
        if (luck.ailing < incident.share) return { ok: false, ...limited };
        break;
      }
      default:
        break;
    }
    const crowd = Math.max(1, ((this.underWay[index] ?? 0) + 1) / provider.capacity);
    const times = crowd * (incident?.kind === 'slow' ? incident.times : 1);
    return whole(provider, request, nowMs, { first: times * luck.latencyTimes, rest: times });
  }
}

function whole(
  provider: DayProvider,
  { inputTokens, outputTokens }: DayRequest,
  nowMs: number,
  times: { first: number; rest: number },
): Answer {
  const firstTokenAfterMs = provider.firstTokenMs * times.first;
  if (firstTokenAfterMs > FIRST_TOKEN_LIMIT_MS) {
    return { ok: false, afterMs: FIRST_TOKEN_LIMIT_MS, outcome: 'timeout' };
  }
  const usage = {
    ...{ inputTokens, outputTokens, cacheReadTokens: 0, cacheWrite5mTokens: 0, cacheWrite1hTokens: 0 },
    reasoningTokens: 0,
  };
  return {
    ok: true,
    firstTokenAfterMs,
    endsAfterMs: firstTokenAfterMs + (1_000 * times.rest * outputTokens) / provider.tokensPerSecond,
    costNanoUsd: costNanoUsd(usage, priceAt(provider, nowMs).prices),
  };
}
