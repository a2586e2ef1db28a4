import type { RateState, RateStates } from '@switchboard/contracts';
import type { DialectId } from '@switchboard/protocol';
import type { ReplyHeaders } from './reply-headers';

/**
 * Limits as a client's SDK reads them: what is left after this call, and when all of it is there again. Of unlimited
 * rates nothing is told.
 */
export function limitHeaders(rates: RateStates, dialect: DialectId, nowMs: number): ReplyHeaders {
  const headers: ReplyHeaders = {};
  if (dialect === 'anthropic-messages') {
    anthropic(headers, 'requests', rates.requests, nowMs);
    anthropic(headers, 'input-tokens', rates.inputTokens, nowMs);
    anthropic(headers, 'output-tokens', rates.outputTokens, nowMs);
    anthropic(headers, 'tokens', scarcest(rates), nowMs);
  } else {
    openai(headers, 'requests', rates.requests);
    openai(headers, 'tokens', scarcest(rates));
  }
  return headers;
}

/** Anthropic and OpenAI both tell one figure for tokens: of the limits in effect the most restrictive one. */
function scarcest({ inputTokens, outputTokens }: RateStates): RateState | undefined {
  if (inputTokens === undefined || outputTokens === undefined) return inputTokens ?? outputTokens;
  return share(inputTokens) < share(outputTokens) ? inputTokens : outputTokens;
}

function share({ remaining, limit }: RateState): number {
  return limit === 0 ? 0 : remaining / limit;
}

function anthropic(headers: ReplyHeaders, rate: string, state: RateState | undefined, nowMs: number): void {
  if (state === undefined) return;
  headers[`anthropic-ratelimit-${rate}-limit`] = state.limit;
  headers[`anthropic-ratelimit-${rate}-remaining`] = state.remaining;
  headers[`anthropic-ratelimit-${rate}-reset`] = rfc3339(nowMs + state.resetMs);
}

function openai(headers: ReplyHeaders, rate: string, state: RateState | undefined): void {
  if (state === undefined) return;
  headers[`x-ratelimit-limit-${rate}`] = state.limit;
  headers[`x-ratelimit-remaining-${rate}`] = state.remaining;
  headers[`x-ratelimit-reset-${rate}`] = duration(state.resetMs);
}

/** Whole seconds, as the API itself writes them; rounded up, so that it is never too early. */
function rfc3339(atMs: number): string {
  return `${new Date(Math.ceil(atMs / 1000) * 1000).toISOString().slice(0, 19)}Z`;
}

/** `0s`, `12ms`, `1s`, `1.5s`, `6m0s`: as OpenAI writes durations; rounded up. */
export function duration(ms: number): string {
  if (ms > 0 && ms < 1000) return `${ms}ms`;
  const tenths = Math.ceil(ms / 100);
  if (tenths < 600) return `${tenths / 10}s`;
  const seconds = Math.ceil(tenths / 10);
  return `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
