import { isJsonObject, type JsonObject, type JsonValue } from '../../json';
import { totalInputTokens, type Usage } from '../../usage';

/**
 * Responses' `usage` → disjoint kinds. `input_tokens` includes what was read from and written to a cache; where the cached
 * kinds exceed it the server evidently counts them beside it. Of the two lifetimes of a cache the longer is our 1 h.
 *
 * No prompt is of no tokens: where all is 0 the server counts nothing, and tells nothing.
 */
export function decodeUsage(value: JsonValue | undefined): Usage | undefined {
  if (!isJsonObject(value)) return undefined;
  const inputDetails = objectOf(value.input_tokens_details);
  const input = count(value.input_tokens);
  const cacheRead = count(inputDetails.cached_tokens);
  const cacheWrite = count(inputDetails.cache_write_tokens);
  const longLived = count(objectOf(inputDetails.cache_write_tokens_details).ttl_12h_tokens);
  const cacheWrite1h = Math.min(longLived, cacheWrite);
  const cached = cacheRead + cacheWrite;
  const output = count(value.output_tokens);
  if (input + cached + output === 0) return undefined;
  return {
    inputTokens: cached > input ? input : input - cached,
    cacheReadTokens: cacheRead,
    cacheWrite5mTokens: cacheWrite - cacheWrite1h,
    cacheWrite1hTokens: cacheWrite1h,
    outputTokens: output,
    reasoningTokens: count(objectOf(value.output_tokens_details).reasoning_tokens),
  };
}

/** Back to the dialect's words. `cost_usd` is ours, and left out where there is nothing to say. */
export function encodeUsage(usage: Usage, costUsd?: (usage: Usage) => number): JsonObject {
  const input = totalInputTokens(usage);
  return {
    input_tokens: input,
    input_tokens_details: {
      cached_tokens: usage.cacheReadTokens,
      cache_write_tokens: usage.cacheWrite5mTokens + usage.cacheWrite1hTokens,
      ...(usage.cacheWrite1hTokens > 0 && {
        cache_write_tokens_details: {
          ttl_30m_tokens: usage.cacheWrite5mTokens,
          ttl_12h_tokens: usage.cacheWrite1hTokens,
        },
      }),
    },
    output_tokens: usage.outputTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: input + usage.outputTokens,
    ...(costUsd && { cost_usd: costUsd(usage) }),
  };
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

function count(value: JsonValue | undefined): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
}
