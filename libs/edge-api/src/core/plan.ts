import type { Catalog, KeyRecord, Model, ModelUpstream, PolicyOrder, Provider } from '@switchboard/contracts';
import { GatewayError, priceAt } from '@switchboard/contracts';
import { DIALECTS, type Dialect, type DialectId } from '@switchboard/protocol';
import { autoOrder, closestModels, globMatcher, resolveModel } from '@switchboard/platform';
import {
  type Choice,
  choiceName,
  hashText,
  KINDS,
  type OutcomeTally,
  ranksOf,
  type RetryBudget,
  upstreamName,
} from '@switchboard/upstreams';
import { mayUseModel } from './access';
import { cheapestFirst } from './cheapest';
import type { UpstreamRegistry } from './upstream-registry';

/** No model's name is longer; what a client sends in its place may be, and is not sent back whole. */
const SHOWN_LENGTH = 200;

/** One way to serve a request, with its place among those it is listed with. */
export interface Candidate extends Choice {
  model: Model;
  upstream: ModelUpstream;
  provider: Provider;
  dialect: Dialect;
  tally: OutcomeTally;
  /** Of all requests for the model. */
  retries: RetryBudget;
}

/** What a request asks of a model, where `auto` has to choose. */
export interface Needs {
  vision: boolean;
  tools: boolean;
}

/** What a request may come to, for comparing prices. */
export interface LikelySize {
  /** A guess. */
  inputTokens: number;
  /** As the client asked; absent: it said nothing. */
  outputTokensMost: number | undefined;
}

export interface FallbackRequest {
  /** Names that the request gives. */
  asked: readonly string[];
  client: DialectId;
  able: (model: Model) => boolean;
}

export interface AutoRequest {
  needs: Needs;
  /** Asked for only where a price is compared. */
  size: () => LikelySize;
  startedAtMs: number;
}

/** Of a concrete model price and health choose; `auto` follows the policy of the catalog. */
const PINNED_ORDER: readonly PolicyOrder[] = ['health', 'tier', 'price'];

export function isAuto(name: string): boolean {
  return name === 'auto' || name.startsWith('auto:');
}

/** More than a model has upstreams, twice: a fallback comes after every healthy and every degraded one before it. */
const RANKS_PER_MODEL = 10_000;

interface RankedList {
  candidates: readonly Candidate[];
  /** What it was made of, beside the catalog. */
  ranks: unknown;
  /** From then on another price applies. */
  untilMs: number;
}

interface Fallbacks {
  isFor: (modelId: string) => boolean;
  /** Model ids. */
  to: readonly string[];
}

/** Lists that hold for as long as the catalog does. */
interface Lists {
  ofModel: Map<Model, readonly Candidate[]>;
  ofPolicy: Map<string, RankedList>;
  fallbacks?: readonly Fallbacks[];
}

/** Which upstreams may serve a request: worked out once per catalog, but for what the key and the request narrow. */
export class Planner {
  private readonly lists = new WeakMap<Catalog, Lists>();

  constructor(private readonly upstreams: UpstreamRegistry) {}

  /** The pinned model's upstreams, the best first if all are healthy, or why there are none. */
  pinned(catalog: Catalog, key: KeyRecord, requested: string, client: DialectId): readonly Candidate[] | GatewayError {
    const model = resolveModel(catalog, requested, client);
    if (model === undefined) return modelNotFound(catalog, requested);
    if (!mayUseModel(key, model.id)) {
      return new GatewayError('model_not_allowed', `This API key may not use the model ${model.id}.`, {
        param: 'model',
      });
    }
    if (model.category !== 'llm') {
      return new GatewayError('invalid_parameter', `${model.id} is an ${model.category} model and cannot converse.`, {
        param: 'model',
      });
    }
    const candidates = this.ofModel(catalog, model);
    return candidates.length > 0
      ? candidates
      : new GatewayError('upstream_error', `No upstream is configured for the model ${model.id}.`);
  }

  /** `auto`, `auto:cheapest`, `auto:fastest`: every model that can serve the request, best first. */
  auto(
    catalog: Catalog,
    key: KeyRecord,
    requested: string,
    { needs, size, startedAtMs }: AutoRequest,
  ): readonly Candidate[] | GatewayError {
    const order = autoOrder(catalog, requested);
    if (order === undefined) return modelNotFound(catalog, requested);
    const permitted = this.ofPolicy(catalog, requested, order, startedAtMs).filter(({ model }) =>
      mayUseModel(key, model.id, requested, 'auto'),
    );
    if (permitted.length === 0) {
      return new GatewayError('model_not_allowed', `This API key may not use "${requested}".`, { param: 'model' });
    }
    const able = permitted.filter(({ model }) => canServe(model, needs));
    if (able.length === 0) {
      return new GatewayError(
        'unsupported_capability',
        `No model that "${requested}" may choose can serve this request.`,
      );
    }
    return requested === 'auto:cheapest' ? cheapestFirst(able, size(), startedAtMs) : able;
  }

  /**
   * The candidates, then those of each fallback in turn. Fallbacks that the request names have to be there and allowed;
   * those of the policy are left out where they are not. `able`: whether a model can serve the request.
   */
  withFallbacks(
    catalog: Catalog,
    key: KeyRecord,
    candidates: readonly Candidate[],
    { asked, client, able }: FallbackRequest,
  ): readonly Candidate[] | GatewayError {
    const listed = [...candidates];
    const models = new Set(candidates.map(({ model }) => model));
    const add = (model: Model): void => {
      if (models.has(model) || !able(model)) return;
      const base = models.size * RANKS_PER_MODEL;
      models.add(model);
      for (const each of this.ofModel(catalog, model)) {
        listed.push({ ...each, rank: base + each.rank, degradedRank: base + each.degradedRank });
      }
    };
    for (const name of asked) {
      const found = this.pinned(catalog, key, name, client);
      if (found instanceof GatewayError) return found;
      if (found[0] !== undefined) add(found[0].model);
    }
    const first = candidates[0]?.model.id ?? '';
    for (const { isFor, to } of asked.length > 0 ? [] : this.fallbacksOf(catalog)) {
      if (!isFor(first)) continue;
      for (const id of to) {
        const model = catalog.models.get(id);
        if (model?.category === 'llm' && mayUseModel(key, id)) add(model);
      }
    }
    return listed;
  }

  private ofModel(catalog: Catalog, model: Model): readonly Candidate[] {
    const { ofModel } = this.listsOf(catalog);
    let candidates = ofModel.get(model);
    if (candidates === undefined) ofModel.set(model, (candidates = this.makeOfModel(catalog, model)));
    return candidates;
  }

  private makeOfModel(catalog: Catalog, model: Model): Candidate[] {
    const served = model.upstreams.flatMap((upstream) => {
      const provider = catalog.providers.get(upstream.provider);
      return provider === undefined ? [] : [{ upstream, provider }];
    });
    const compared = served.map(({ upstream: { cost }, provider: { tier } }) => ({
      tier,
      price: cost.input + cost.output,
    }));
    const ranks = ranksOf(compared, PINNED_ORDER);
    const candidates = served.map(({ upstream, provider }, index): Candidate => {
      const { health, tally } = this.upstreams.upstream(provider, upstream);
      return {
        ...{ model, upstream, provider, dialect: DIALECTS[KINDS[provider.kind].dialect], health, tally },
        retries: this.upstreams.retryBudget(model.id),
        weight: upstream.weight,
        hash: hashText(upstreamName(upstream)),
        ...(ranks[index] ?? { rank: 0, degradedRank: 0 }),
      };
    });
    return candidates.sort((left, right) => left.rank - right.rank);
  }

  private ofPolicy(
    catalog: Catalog,
    policy: string,
    order: readonly PolicyOrder[],
    atMs: number,
  ): readonly Candidate[] {
    const { ofPolicy } = this.listsOf(catalog);
    const ranks = policy === 'auto:fastest' ? this.upstreams.policyRanks(policy) : undefined;
    const found = ofPolicy.get(policy);
    if (found?.ranks === ranks && atMs < (found?.untilMs ?? 0)) return found?.candidates ?? [];
    const made = this.makeOfPolicy(catalog, order, atMs);
    if (ranks !== undefined) made.candidates = rankedBy(made.candidates, ranks);
    ofPolicy.set(policy, { ...made, ranks });
    return made.candidates;
  }

  private makeOfPolicy(
    catalog: Catalog,
    order: readonly PolicyOrder[],
    atMs: number,
  ): { candidates: readonly Candidate[]; untilMs: number } {
    const offered = globMatcher(catalog.auto.models);
    const all: Candidate[] = [];
    let untilMs = Infinity;
    for (const model of catalog.models.values()) {
      if (model.category !== 'llm' || !offered(model.id)) continue;
      all.push(...this.ofModel(catalog, model));
      for (const { effectiveFromMs } of model.pricing) {
        if (effectiveFromMs > atMs) untilMs = Math.min(untilMs, effectiveFromMs);
      }
    }
    const ranks = ranksOf(
      all.map(({ model, provider: { tier } }) => {
        const { input, output } = priceAt(model, atMs).prices;
        return { tier, price: input + output };
      }),
      order,
    );
    const candidates = all.map((candidate, index) => ({ ...candidate, ...ranks[index] }));
    return { candidates: candidates.sort((left, right) => left.rank - right.rank), untilMs };
  }

  private fallbacksOf(catalog: Catalog): readonly Fallbacks[] {
    const lists = this.listsOf(catalog);
    lists.fallbacks ??= catalog.routing.fallbacks.map(({ models, to }) => ({ isFor: globMatcher(models), to }));
    return lists.fallbacks;
  }

  private listsOf(catalog: Catalog): Lists {
    let lists = this.lists.get(catalog);
    if (lists === undefined) this.lists.set(catalog, (lists = { ofModel: new Map(), ofPolicy: new Map() }));
    return lists;
  }
}

export function modelNotFound(catalog: Catalog, requested: string): GatewayError {
  const closest = closestModels(catalog, requested, 3);
  const suggestion = closest.length > 0 ? ` The closest are: ${closest.join(', ')}.` : '';
  const shown = requested.length > SHOWN_LENGTH ? `${requested.slice(0, SHOWN_LENGTH)}…` : requested;
  return new GatewayError('model_not_found', `The model "${shown}" does not exist.${suggestion}`, {
    param: 'model',
  });
}

/** As the router ranked them; those it has not seen yet come last. The router's order knows of health already. */
function rankedBy(candidates: readonly Candidate[], ranks: ReadonlyMap<string, number>): Candidate[] {
  const ranked = candidates.map((candidate) => {
    const rank = ranks.get(choiceName(candidate.model.id, candidate.upstream)) ?? ranks.size;
    return { ...candidate, rank, degradedRank: rank + ranks.size + 1 };
  });
  return ranked.sort((left, right) => left.rank - right.rank);
}

function canServe(model: Model, needs: Needs): boolean {
  return (!needs.vision || model.capabilities.vision) && (!needs.tools || model.capabilities.tools !== 'none');
}
