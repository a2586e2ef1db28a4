import { hashBytes, hashText } from '@switchboard/upstreams';
import { readJsonString, type SniffedRequest } from '@switchboard/protocol';

/** How clients name what belongs together: Claude Code, Codex, opencode, and whoever cares. */
const SESSION_HEADERS = ['x-claude-code-session-id', 'session_id', 'x-session-affinity', 'x-session-id'] as const;
/** Providers cache prompts from 1,024 tokens on: what is shorter has nothing to cling to. */
const PREFIX_BYTES_LEAST = 4_096;
const PREFIX_BYTES = 2_048;

/**
 * Equal for requests that the same prompt cache serves: a session or cache key that the client names, else the beginning
 * of its instructions, which stays the same from turn to turn. Undefined: nothing would be found again.
 */
export function affinityKey(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  sniffed: SniffedRequest,
  body: Buffer,
): number | undefined {
  for (const name of SESSION_HEADERS) {
    const value = headers[name];
    if (typeof value === 'string' && value !== '') return hashText(value);
  }
  const { prompt_cache_key: cacheKey, system, instructions, messages, input } = sniffed.spans;
  const named = cacheKey && readJsonString(body, cacheKey);
  if (named !== undefined) return hashText(named);
  // Instructions are often the first of the messages, and then this dialect has no other.
  const prefix = system ?? instructions ?? messages ?? input;
  if (body.length < PREFIX_BYTES_LEAST || prefix === undefined) return undefined;
  return hashBytes(body, prefix.start, Math.min(prefix.end, prefix.start + PREFIX_BYTES));
}
