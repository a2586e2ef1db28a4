import type { Catalog, KeyRecord, Model, UpstreamState } from '@switchboard/contracts';
import { priceAt, usdPerMillionTokens } from '@switchboard/contracts';
import type { JsonObject } from '@switchboard/protocol';
import { mayUseModel } from './access';

export interface Page {
  limit: number;
  afterId?: string;
  beforeId?: string;
}

/** How one of a model's upstreams fares, as this process knows. */
export interface UpstreamStanding {
  provider: string;
  state: UpstreamState;
}

/** The models a key may use, in catalog order. */
export function visibleModels(catalog: Catalog, key: KeyRecord): Model[] {
  return [...catalog.models.values()].filter((model) => mayUseModel(key, model.id));
}

/** At the prices of `nowMs`. Anthropic's list with its cursors; an unknown cursor id starts from the beginning, as theirs does. */
export function anthropicListing(models: readonly Model[], page: Page, nowMs: number): JsonObject {
  const { slice, hasMore } = paginate(models, page);
  return {
    data: slice.map((model) => anthropicModel(model, nowMs)),
    has_more: hasMore,
    first_id: slice[0]?.id ?? null,
    last_id: slice.at(-1)?.id ?? null,
  };
}

function paginate(models: readonly Model[], page: Page): { slice: Model[]; hasMore: boolean } {
  if (page.beforeId !== undefined) {
    const end = models.findIndex((model) => model.id === page.beforeId);
    const before = end === -1 ? [...models] : models.slice(0, end);
    return { slice: before.slice(-page.limit), hasMore: before.length > page.limit };
  }
  const start = page.afterId === undefined ? 0 : models.findIndex((model) => model.id === page.afterId) + 1;
  const after = models.slice(start);
  return { slice: after.slice(0, page.limit), hasMore: after.length > page.limit };
}

export function anthropicModel(model: Model, nowMs: number): JsonObject {
  return {
    type: 'model',
    id: model.id,
    display_name: model.displayName,
    created_at: model.createdAt,
    description: model.description,
    category: model.category,
    context_window: model.contextWindow,
    context_length: model.contextWindow,
    max_input_tokens: model.contextWindow,
    max_tokens: model.maxOutputTokens,
    pricing: pricing(model, nowMs),
    ...capabilityFlags(model),
    capabilities: capabilityNames(model),
  };
}

export function openaiListing(models: readonly Model[]): JsonObject {
  return { object: 'list', data: models.map(openaiModel) };
}

export function openaiModel(model: Model): JsonObject {
  const slash = model.id.indexOf('/');
  return {
    id: model.id,
    object: 'model',
    created: Math.floor(Date.parse(model.createdAt) / 1000),
    owned_by: slash === -1 ? 'switchboard' : model.id.slice(0, slash),
  };
}

/** Of `GET /api/v1/models`: everything the catalog knows, with what serves the model and how it fares. */
export function catalogModel(model: Model, standings: readonly UpstreamStanding[], nowMs: number): JsonObject {
  return {
    id: model.id,
    display_name: model.displayName,
    description: model.description,
    category: model.category,
    created_at: model.createdAt,
    aliases: model.aliases,
    context_window: model.contextWindow,
    max_output_tokens: model.maxOutputTokens,
    pricing: pricing(model, nowMs),
    ...capabilityFlags(model),
    supports_documents: model.capabilities.documents,
    capabilities: capabilityNames(model),
    health: healthOf(standings),
    upstreams: standings.map(({ provider, state }) => ({ provider, state })),
  };
}

/** Of the best of them; `down`: a call would be tried nowhere. */
function healthOf(standings: readonly UpstreamStanding[]): 'healthy' | 'degraded' | 'down' {
  if (standings.some(({ state }) => state === 'healthy')) return 'healthy';
  return standings.some(({ state }) => state !== 'open') ? 'degraded' : 'down';
}

function pricing(model: Model, nowMs: number): JsonObject {
  const { prices } = priceAt(model, nowMs);
  return {
    input: usdPerMillionTokens(prices.input),
    output: usdPerMillionTokens(prices.output),
    cache_read: usdPerMillionTokens(prices.cacheRead),
    cache_write: usdPerMillionTokens(prices.cacheWrite5m),
    unit: 'per_million_tokens',
    currency: 'USD',
  };
}

function capabilityFlags({ capabilities }: Model): JsonObject {
  return {
    supports_streaming: capabilities.streaming,
    supports_tools: capabilities.tools === 'none' ? false : capabilities.tools,
    supports_reasoning: capabilities.reasoning,
    supports_vision: capabilities.vision,
    supports_structured_outputs: capabilities.structuredOutputs,
  };
}

function capabilityNames({ capabilities }: Model): string[] {
  const names: [string, boolean][] = [
    ['streaming', capabilities.streaming],
    ['tools', capabilities.tools !== 'none'],
    ['vision', capabilities.vision],
    ['documents', capabilities.documents],
    ['reasoning', capabilities.reasoning],
    ['structured_outputs', capabilities.structuredOutputs],
  ];
  return names.filter(([, supported]) => supported).map(([name]) => name);
}
