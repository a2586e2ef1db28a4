import { GatewayError, type KeyRecord } from '@switchboard/contracts';
import type { OperationCall, OperationId } from '@switchboard/protocol';
import { KINDS } from '@switchboard/upstreams';
import { fallbackNames } from '../core/fallback-names';
import { isAuto, type Candidate } from '../core/plan';
import { likelyInputTokens } from '../core/input-estimate';
import type { EdgeContext } from './edge-context';
import type { Exchange } from './exchange';
import type { InferenceRequest } from './inference-request';

const NEEDS_NOTHING = { vision: false, tools: false };

/** As clients read of them. */
const TITLES: Readonly<Record<OperationId, string>> = {
  embeddings: 'embeddings',
  completions: 'legacy completions',
};

/** Who can serve a call that is no conversation, the best first if all are healthy, or why nobody can. */
export function planOperation(
  { planner, catalog, names }: EdgeContext,
  { request, key, startedAtMs }: Pick<Exchange, 'request' | 'key' | 'startedAtMs'>,
  operation: OperationCall,
): readonly Candidate[] | GatewayError {
  const asked = fallbackNames(request.headers[names.fallbacks], request.sniffed, request.body);
  if (asked instanceof GatewayError) return asked;
  const current = catalog.current();
  if (operation.id === 'embeddings') {
    if (isAuto(request.model))
      return onlyItsOwnVectors('model', `"${request.model}" chooses among models that converse.`);
    if (asked.length > 0) return onlyItsOwnVectors('models', 'Embeddings have no fallbacks.');
    const candidates = planner.pinned(current, key, request.model, request.dialect.id, 'embedding');
    return candidates instanceof GatewayError ? candidates : havingIt(candidates, operation.id);
  }
  const client = request.dialect.id;
  const candidates = isAuto(request.model)
    ? planner.auto(current, key, request.model, {
        ...{ needs: NEEDS_NOTHING, client, startedAtMs },
        size: () => sizeOf(request),
      })
    : planner.pinned(current, key, request.model, client);
  if (candidates instanceof GatewayError) return candidates;
  const listed = planner.withFallbacks(current, key, candidates, {
    ...{ asked, client },
    able: () => true,
  });
  return listed instanceof GatewayError ? listed : havingIt(listed, operation.id);
}

function sizeOf(request: InferenceRequest) {
  return { inputTokens: likelyInputTokens(request.body), outputTokensMost: request.maxTokens };
}

/** Vectors of two models mean nothing to each other: whoever mixes them finds nothing again. */
function onlyItsOwnVectors(param: string, why: string): GatewayError {
  return new GatewayError('invalid_parameter', `${why} Name one embedding model.`, { param });
}

/** `candidates`: not empty. */
function havingIt(candidates: readonly Candidate[], operation: OperationId): readonly Candidate[] | GatewayError {
  const having = candidates.filter(({ provider }) => KINDS[provider.kind].operationPath !== undefined);
  if (having.length > 0) return having;
  const [first] = candidates;
  const kinds = [...new Set(candidates.map(({ provider }) => provider.kind))].join(', ');
  return new GatewayError(
    'unsupported_capability',
    `The model ${first?.model.id} has no ${TITLES[operation]}: its upstreams (${kinds}) do not offer them.`,
    { param: 'model' },
  );
}

export function permissionFor(operation: OperationId | undefined): KeyRecord['permissions'][number] {
  return operation === 'embeddings' ? 'embeddings' : 'llm';
}
