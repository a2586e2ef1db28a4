import type { CacheHint } from '../../conversation';
import type { JsonObject } from '../../json';
import type { Findings } from './findings';
import { isAbsent, textMember } from './members';

/** OpenAI's breakpoints and, from OpenRouter's clients, Anthropic's `cache_control`. */
export function decodeCacheHint(wire: JsonObject, path: string, findings: Findings): CacheHint | undefined {
  const breakpoint = findings.object(wire.prompt_cache_breakpoint, `${path}.prompt_cache_breakpoint`);
  if (breakpoint && !isAbsent(breakpoint.ttl)) findings.leave(`${path}.prompt_cache_breakpoint.ttl`, breakpoint.ttl);
  const control = findings.object(wire.cache_control, `${path}.cache_control`);
  if (!breakpoint && !control) return undefined;
  const ttl = control && textMember(control, 'ttl');
  return ttl === undefined ? {} : { ttl };
}
