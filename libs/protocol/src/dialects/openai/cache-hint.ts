import type { CacheHint } from '../../conversation';
import type { JsonObject } from '../../json';
import type { Findings } from './findings';
import { textMember } from './members';

const READ_OF_BREAKPOINT: ReadonlySet<string> = new Set(['mode']);
const READ_OF_CACHE_CONTROL: ReadonlySet<string> = new Set(['type', 'ttl']);

/** OpenAI's breakpoints and, from OpenRouter's clients, Anthropic's `cache_control`. */
export function decodeCacheHint(wire: JsonObject, path: string, findings: Findings): CacheHint | undefined {
  const breakpoint = findings.object(wire.prompt_cache_breakpoint, `${path}.prompt_cache_breakpoint`);
  if (breakpoint) findings.leaveRest(breakpoint, READ_OF_BREAKPOINT, `${path}.prompt_cache_breakpoint`);
  const control = findings.object(wire.cache_control, `${path}.cache_control`);
  if (control) findings.leaveRest(control, READ_OF_CACHE_CONTROL, `${path}.cache_control`);
  if (!breakpoint && !control) return undefined;
  const ttl = control && textMember(control, 'ttl');
  return ttl === undefined ? {} : { ttl };
}
