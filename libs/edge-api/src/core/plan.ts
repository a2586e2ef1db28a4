import type { Catalog, KeyRecord, Model, ModelUpstream, Provider } from '@switchboard/contracts';
import { GatewayError } from '@switchboard/contracts';
import { DIALECTS, type Dialect, type DialectId } from '@switchboard/protocol';
import { autoOrder, closestModels, compareByPolicy, globMatcher, resolveModel } from '@switchboard/platform';
import { mayUseModel } from './access';

/** No model's name is longer; what a client sends in its place may be, and is not sent back whole. */
const SHOWN_LENGTH = 200;

/** One way to serve a request. */
export interface Candidate {
  model: Model;
  upstream: ModelUpstream;
  provider: Provider;
  dialect: Dialect;
}

/** What a request asks of a model, where `auto` has to choose. */
export interface Needs {
  vision: boolean;
  tools: boolean;
  /** Lower bound, in tokens. */
  inputTokens: number;
}

export function upstreamDialect(provider: Provider): DialectId {
  return provider.kind === 'anthropic' || provider.kind === 'anthropic-compatible'
    ? 'anthropic-messages'
    : 'openai-chat';
}

export function isAuto(name: string): boolean {
  return name === 'auto' || name.startsWith('auto:');
}

/** The pinned model's upstreams in listed order, or why there are none. */
export function planPinned(
  catalog: Catalog,
  key: KeyRecord,
  requested: string,
  client: DialectId,
): readonly Candidate[] | GatewayError {
  const model = resolveModel(catalog, requested, client);
  if (model === undefined) return modelNotFound(catalog, requested);
  if (!mayUseModel(key, model.id)) {
    return new GatewayError('model_not_allowed', `This API key may not use the model ${model.id}.`, { param: 'model' });
  }
  if (model.category !== 'llm') {
    return new GatewayError('invalid_parameter', `${model.id} is an ${model.category} model and cannot converse.`, {
      param: 'model',
    });
  }
  const candidates = candidatesOf(catalog, model);
  return candidates.length > 0
    ? candidates
    : new GatewayError('upstream_error', `No upstream is configured for the model ${model.id}.`);
}

/** `auto`, `auto:cheapest`, `auto:fastest`: every model that can serve the request, best first. */
export function planAuto(
  catalog: Catalog,
  key: KeyRecord,
  requested: string,
  needs: Needs,
  startedAtMs: number,
): Candidate[] | GatewayError {
  const order = autoOrder(catalog, requested);
  if (order === undefined) return modelNotFound(catalog, requested);
  const offered = globMatcher(catalog.auto.models);
  const candidates: Candidate[] = [];
  let permitted = 0;
  for (const model of catalog.models.values()) {
    if (model.category !== 'llm' || !offered(model.id) || !mayUseModel(key, model.id, requested, 'auto')) continue;
    permitted++;
    if (canServe(model, needs)) candidates.push(...candidatesOf(catalog, model));
  }
  if (permitted === 0) {
    return new GatewayError('model_not_allowed', `This API key may not use "${requested}".`, { param: 'model' });
  }
  if (candidates.length === 0) {
    return new GatewayError(
      'unsupported_capability',
      `No model that "${requested}" may choose can serve this request.`,
    );
  }
  const policy = { order, atMs: startedAtMs };
  return candidates.sort((left, right) => compareByPolicy(policy, left, right));
}

export function modelNotFound(catalog: Catalog, requested: string): GatewayError {
  const closest = closestModels(catalog, requested, 3);
  const suggestion = closest.length > 0 ? ` The closest are: ${closest.join(', ')}.` : '';
  const shown = requested.length > SHOWN_LENGTH ? `${requested.slice(0, SHOWN_LENGTH)}…` : requested;
  return new GatewayError('model_not_found', `The model "${shown}" does not exist.${suggestion}`, {
    param: 'model',
  });
}

const known = new WeakMap<Catalog, Map<Model, readonly Candidate[]>>();

/** Worked out once per catalog and model: both are replaced, never changed. */
function candidatesOf(catalog: Catalog, model: Model): readonly Candidate[] {
  let ofCatalog = known.get(catalog);
  if (ofCatalog === undefined) {
    ofCatalog = new Map<Model, readonly Candidate[]>();
    known.set(catalog, ofCatalog);
  }
  let candidates = ofCatalog.get(model);
  if (candidates === undefined) ofCatalog.set(model, (candidates = findCandidates(catalog, model)));
  return candidates;
}

function findCandidates(catalog: Catalog, model: Model): Candidate[] {
  const candidates: Candidate[] = [];
  for (const upstream of model.upstreams) {
    const provider = catalog.providers.get(upstream.provider);
    if (provider !== undefined) {
      candidates.push({ model, upstream, provider, dialect: DIALECTS[upstreamDialect(provider)] });
    }
  }
  return candidates;
}

function canServe(model: Model, needs: Needs): boolean {
  return (
    (!needs.vision || model.capabilities.vision) &&
    (!needs.tools || model.capabilities.tools === 'native') &&
    needs.inputTokens <= model.contextWindow
  );
}
