import { GatewayError, type KeyRecord, type Model } from '@switchboard/contracts';
import { resolveModel } from '@switchboard/platform';
import type { JsonObject } from '@switchboard/protocol';
import { mayUseModel } from './core/access';
import { codexModels } from './core/codex-models';
import {
  anthropicListing,
  anthropicModel,
  catalogModel,
  openaiListing,
  openaiModel,
  visibleModels,
  type Page,
} from './core/model-listings';
import { modelNotFound } from './core/plan';
import type { Route } from './core/routes';
import type { EdgeContext } from './inference/edge-context';

const DEFAULT_PAGE = 20;
const LARGEST_PAGE = 1000;

/** The three listings of models, and one model of each. */
export class ModelsHandler {
  constructor(private readonly edge: Pick<EdgeContext, 'catalog' | 'planner'>) {}

  answer(route: Route, key: KeyRecord, query: URLSearchParams): JsonObject | GatewayError {
    const catalog = this.edge.catalog.current();
    if (route.modelId !== undefined) return this.one(route, key, route.modelId);
    const models = visibleModels(catalog, key);
    if (route.name === 'catalog') return { data: models.map((model) => this.inCatalog(model)) };
    if (route.dialect === 'openai-chat') {
      // Only Codex says which version it is, and reads its own list beside the other.
      return query.has('client_version')
        ? { ...openaiListing(models), models: codexModels(models) }
        : openaiListing(models);
    }
    const page = readPage(query);
    return page instanceof GatewayError ? page : anthropicListing(models, page, Date.now());
  }

  private inCatalog(model: Model): JsonObject {
    const { catalog, planner } = this.edge;
    const nowMs = performance.now();
    const standings = planner.ofModel(catalog.current(), model, 'openai-chat').map(({ provider, health }) => ({
      ...{ provider: provider.id, state: health.standing(nowMs) },
    }));
    return catalogModel(model, standings, Date.now());
  }

  private one(route: Route, key: KeyRecord, id: string): JsonObject | GatewayError {
    const catalog = this.edge.catalog.current();
    const model = resolveModel(catalog, id, route.dialect);
    // A model this key may not use is, to it, not there.
    if (model === undefined || !mayUseModel(key, model.id)) return modelNotFound(catalog, id);
    if (route.name === 'catalog-model') return this.inCatalog(model);
    return route.dialect === 'anthropic-messages' ? anthropicModel(model, Date.now()) : openaiModel(model);
  }
}

function readPage(query: URLSearchParams): Page | GatewayError {
  const given = query.get('limit');
  const limit = given === null ? DEFAULT_PAGE : Number(given);
  if (!Number.isInteger(limit) || limit < 1 || limit > LARGEST_PAGE) {
    return new GatewayError('invalid_parameter', `limit: must be an integer from 1 to ${LARGEST_PAGE}`, {
      param: 'limit',
    });
  }
  const afterId = query.get('after_id');
  const beforeId = query.get('before_id');
  if (afterId !== null && beforeId !== null) {
    return new GatewayError('invalid_parameter', 'only one of after_id and before_id may be given', {
      param: 'before_id',
    });
  }
  return { limit, ...(afterId !== null && { afterId }), ...(beforeId !== null && { beforeId }) };
}
