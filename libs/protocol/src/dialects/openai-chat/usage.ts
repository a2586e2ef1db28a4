import { isJsonObject, type JsonObject, type JsonValue } from '../../json';
import { totalInputTokens, type Usage } from '../../usage';

/**
 * Chat's `usage` → disjoint kinds.
 *
 * `prompt_tokens` includes what was read from and written to a cache. Cached tokens stand in
 * `prompt_tokens_details.cached_tokens` (OpenAI, OpenRouter), `prompt_cache_hit_tokens` (DeepSeek) or
 * `cache_read_input_tokens` (LiteLLM); written ones in `cache_write_tokens` or `cache_creation_input_tokens`. Where the
 * cached kinds exceed `prompt_tokens` the server evidently counts them beside it.
 *
 * No prompt is of no tokens: where all is 0 the server counts nothing, and tells nothing.
 *
 * `completion_tokens` includes reasoning, but for servers (xAI) whose `total_tokens` shows that it does not.
 */
export function decodeUsage(value: JsonValue | undefined): Usage | undefined {
  if (!isJsonObject(value)) return undefined;
  const promptDetails = isJsonObject(value.prompt_tokens_details) ? value.prompt_tokens_details : {};
  const completionDetails = isJsonObject(value.completion_tokens_details) ? value.completion_tokens_details : {};

  const prompt = count(value.prompt_tokens);
  const cacheRead = count(
    promptDetails.cached_tokens ?? value.prompt_cache_hit_tokens ?? value.cache_read_input_tokens,
  );
  const cacheWrite = count(promptDetails.cache_write_tokens ?? value.cache_creation_input_tokens);
  const cacheWrite1h = Math.min(count(promptDetails.cache_write_1h_tokens), cacheWrite);
  const cached = cacheRead + cacheWrite;

  const completion = count(value.completion_tokens);
  if (prompt + cached + completion === 0) return undefined;
  const reasoning = count(completionDetails.reasoning_tokens);
  const reasoningBeside = reasoning > 0 && count(value.total_tokens) === prompt + completion + reasoning;

  return {
    inputTokens: cached > prompt ? prompt : prompt - cached,
    cacheReadTokens: cacheRead,
    cacheWrite5mTokens: cacheWrite - cacheWrite1h,
    cacheWrite1hTokens: cacheWrite1h,
    outputTokens: reasoningBeside ? completion + reasoning : completion,
    reasoningTokens: reasoning,
  };
}

/**
 * Back to Chat's words. `cache_write_1h_tokens` (the part of `cache_write_tokens` kept for an hour) and `cost_usd` are
 * ours; both are left out where there is nothing to say.
 */
export function encodeUsage(usage: Usage, costUsd?: (usage: Usage) => number): JsonObject {
  const prompt = totalInputTokens(usage);
  return {
    prompt_tokens: prompt,
    completion_tokens: usage.outputTokens,
    total_tokens: prompt + usage.outputTokens,
    prompt_tokens_details: {
      cached_tokens: usage.cacheReadTokens,
      cache_write_tokens: usage.cacheWrite5mTokens + usage.cacheWrite1hTokens,
      ...(usage.cacheWrite1hTokens > 0 && { cache_write_1h_tokens: usage.cacheWrite1hTokens }),
    },
    completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    ...(costUsd && { cost_usd: costUsd(usage) }),
  };
}

function count(value: JsonValue | undefined): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
}
