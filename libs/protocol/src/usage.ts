/**
 * Tokens of one call. The kinds are disjoint but for `reasoningTokens`, so their sum is never double counted:
 * total input = input + cacheRead + cacheWrite5m + cacheWrite1h; total output = output.
 *
 * Anthropic's `input_tokens` already excludes cached tokens; Chat's `prompt_tokens` includes them, and is split on reading.
 */
export interface Usage {
  /** Input tokens neither read from nor written to a cache. */
  inputTokens: number;
  cacheReadTokens: number;
  cacheWrite5mTokens: number;
  cacheWrite1hTokens: number;
  /** All output tokens, reasoning included. */
  outputTokens: number;
  /** The part of `outputTokens` spent on reasoning, where the upstream says so; else 0. */
  reasoningTokens: number;
}

export function emptyUsage(): Usage {
  return {
    inputTokens: 0,
    cacheReadTokens: 0,
    cacheWrite5mTokens: 0,
    cacheWrite1hTokens: 0,
    outputTokens: 0,
    reasoningTokens: 0,
  };
}

export function totalInputTokens(usage: Usage): number {
  return usage.inputTokens + usage.cacheReadTokens + usage.cacheWrite5mTokens + usage.cacheWrite1hTokens;
}
