import type { Conversation } from '../../conversation';
import type { JsonObject } from '../../json';
import type { Findings } from './findings';

type CommonParams = Pick<Conversation, 'parallelToolCalls' | 'metadata' | 'serviceTier' | 'promptCacheKey'>;

/** Parameters that Chat and Responses have under one name, with one meaning, into `params`. */
export function decodeCommonParams(params: CommonParams, body: JsonObject, findings: Findings): void {
  const parallelToolCalls = findings.scalar(body, 'parallel_tool_calls', 'boolean');
  if (parallelToolCalls !== undefined) params.parallelToolCalls = parallelToolCalls;
  const metadata = findings.object(body.metadata, 'metadata');
  if (metadata) params.metadata = metadata;
  const serviceTier = findings.scalar(body, 'service_tier', 'string');
  if (serviceTier !== undefined) params.serviceTier = serviceTier;
  const promptCacheKey = findings.scalar(body, 'prompt_cache_key', 'string');
  if (promptCacheKey !== undefined) params.promptCacheKey = promptCacheKey;
}
