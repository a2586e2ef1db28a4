import { isJsonObject, type JsonObject, type JsonValue } from '../../json';
import { emptyUsage, type Usage } from '../../usage';

/**
 * Folds one `usage` object of the wire into what is known. The figures are cumulative, and null or absent ones leave the
 * known ones standing: `message_start` tells the input, `message_delta` the output and, from some servers, the input again.
 */
export function mergeUsage(known: Usage | undefined, wire: JsonObject): Usage {
  const usage = known === undefined ? emptyUsage() : { ...known };
  usage.inputTokens = count(wire['input_tokens']) ?? usage.inputTokens;
  usage.outputTokens = count(wire['output_tokens']) ?? usage.outputTokens;
  usage.cacheReadTokens = count(wire['cache_read_input_tokens']) ?? usage.cacheReadTokens;
  mergeCacheWrites(usage, wire);
  const details = wire['output_tokens_details'];
  if (isJsonObject(details)) usage.reasoningTokens = count(details['thinking_tokens']) ?? usage.reasoningTokens;
  return usage;
}

/** Without the split by lifetime, what is not known to be 1 h is 5 min, the API's default. */
function mergeCacheWrites(usage: Usage, wire: JsonObject): void {
  const split = wire['cache_creation'];
  const shortLived = isJsonObject(split) ? count(split['ephemeral_5m_input_tokens']) : undefined;
  const longLived = isJsonObject(split) ? count(split['ephemeral_1h_input_tokens']) : undefined;
  const total = count(wire['cache_creation_input_tokens']);
  usage.cacheWrite1hTokens = longLived ?? usage.cacheWrite1hTokens;
  if (shortLived !== undefined) usage.cacheWrite5mTokens = shortLived;
  else if (total !== undefined) {
    usage.cacheWrite1hTokens = Math.min(usage.cacheWrite1hTokens, total);
    usage.cacheWrite5mTokens = total - usage.cacheWrite1hTokens;
  }
}

/** Tokens: whole and not negative, or nothing at all, whatever an upstream writes. */
function count(value: JsonValue | undefined): number | undefined {
  return typeof value === 'number' && value >= 0 && Number.isSafeInteger(Math.trunc(value))
    ? Math.trunc(value)
    : undefined;
}

/** The input side, as `message_start` shows it. */
export function encodeInputUsage(usage: Usage): JsonObject {
  return {
    input_tokens: usage.inputTokens,
    cache_creation_input_tokens: usage.cacheWrite5mTokens + usage.cacheWrite1hTokens,
    cache_read_input_tokens: usage.cacheReadTokens,
    cache_creation: {
      ephemeral_5m_input_tokens: usage.cacheWrite5mTokens,
      ephemeral_1h_input_tokens: usage.cacheWrite1hTokens,
    },
  };
}

/** The output side, added to `wire`. */
export function encodeOutputUsage(usage: Usage, wire: JsonObject = {}): JsonObject {
  wire['output_tokens'] = usage.outputTokens;
  if (usage.reasoningTokens > 0) wire['output_tokens_details'] = { thinking_tokens: usage.reasoningTokens };
  return wire;
}

export function encodeUsage(usage: Usage): JsonObject {
  return encodeOutputUsage(usage, encodeInputUsage(usage));
}

export function sameInputUsage(left: Usage, right: Usage): boolean {
  return (
    left.inputTokens === right.inputTokens &&
    left.cacheReadTokens === right.cacheReadTokens &&
    left.cacheWrite5mTokens === right.cacheWrite5mTokens &&
    left.cacheWrite1hTokens === right.cacheWrite1hTokens
  );
}
