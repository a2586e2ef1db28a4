import type { Capabilities, ModelUpstream } from '@switchboard/contracts';
import { BUILTIN_MODELS, builtinUpstreams, modelFromFacts, servableModels } from '../catalog/builtin-models';
import type { ModelFacts } from '../catalog/builtin/model-facts';
import type { DeclaredModel } from '../catalog/declared-model';
import { pricesFromSheet, type PriceSheet } from '../catalog/price-sheet';
import { asList, asText, readEntries, refuseRepeated, type Entry, type Reading } from './entries';
import type { ConfigPath, Faults } from './faults';
import { modelSchema, upstreamSchema, type ModelEntry, type UpstreamEntry } from './model-schema';
import { readPricing } from './read-pricing';
import type { ReadProviders } from './read-providers';

const BUILTIN_BY_ID: ReadonlyMap<string, ModelFacts> = new Map(BUILTIN_MODELS.map((facts) => [facts.id, facts]));

const PLAIN_CAPABILITIES: Capabilities = {
  streaming: true,
  tools: 'native',
  vision: false,
  documents: false,
  reasoning: false,
  structuredOutputs: false,
};

/**
 * The file's models, then every built-in one that its providers serve and it does not define itself. What the file
 * leaves out of a built-in model is taken from it; where names collide, the file's wins.
 */
export function readModels(
  section: { list: unknown; builtinModels: boolean },
  known: ReadProviders,
  reading: Reading,
): DeclaredModel[] {
  const entries = readEntries(modelSchema, section.list, ['models'], reading.faults);
  refuseRepeated(entries, 'id', reading.faults);
  const ids = new Set(entries.flatMap((entry) => asText(entry.raw.id) ?? []));
  const offered = section.builtinModels ? servableModels(known.providers).filter((model) => !ids.has(model.id)) : [];
  const builtinIds = new Set(offered.map((model) => model.id));
  const names = readAliases(entries, { ids, builtinIds }, reading.faults);
  const defined = entries.flatMap((entry) => readModel(entry, known, reading) ?? []);
  return [...withoutTakenAliases(defined, entries, names), ...offered.map((model) => yieldAliases(model, names))];
}

/** The names the file itself gives out, after faulting those given twice. */
function readAliases(
  entries: readonly Entry<ModelEntry>[],
  taken: { ids: ReadonlySet<string>; builtinIds: ReadonlySet<string> },
  faults: Faults,
): ReadonlySet<string> {
  const names = new Set(taken.ids);
  for (const entry of entries) {
    asList(entry.raw.aliases).forEach((alias, index) => {
      if (typeof alias !== 'string') return;
      const path = [...entry.path, 'aliases', index];
      if (taken.ids.has(alias)) faults.add(path, `${alias} is the id of a model`);
      else if (taken.builtinIds.has(alias)) faults.add(path, `${alias} is the id of a built-in model`);
      else if (names.has(alias)) faults.add(path, `${alias} is already an alias`);
      names.add(alias);
    });
  }
  return names;
}

/** An alias that came with a built-in model goes to whoever the file gives it to. */
function yieldAliases(model: DeclaredModel, names: ReadonlySet<string>): DeclaredModel {
  return { ...model, aliases: model.aliases.filter((alias) => !names.has(alias)) };
}

function withoutTakenAliases(
  models: readonly DeclaredModel[],
  entries: readonly Entry<ModelEntry>[],
  names: ReadonlySet<string>,
): DeclaredModel[] {
  const inheriting = new Set(entries.filter((entry) => entry.raw.aliases === undefined).map((entry) => entry.raw.id));
  return models.map((model) => (inheriting.has(model.id) ? yieldAliases(model, names) : model));
}

function readModel(entry: Entry<ModelEntry>, known: ReadProviders, reading: Reading): DeclaredModel | undefined {
  const facts = BUILTIN_BY_ID.get(asText(entry.raw.id) ?? '');
  const upstreams = readUpstreams(entry, known, reading);
  requireFields(entry, facts, reading.faults);
  const { value } = entry;
  const pricing = readPricing(entry, facts, reading);
  if (value === undefined || pricing === undefined) return undefined;
  const base = facts && modelFromFacts(facts, builtinUpstreams(facts, known.providers));
  if (base?.upstreams.length === 0 && value.upstreams === undefined && known.complete) {
    reading.faults.add([...entry.path, 'upstreams'], 'required: no provider is known to serve this model');
  }
  return {
    id: value.id,
    displayName: value.displayName ?? base?.displayName ?? value.id,
    description: value.description ?? base?.description ?? '',
    category: value.category ?? base?.category ?? 'llm',
    createdAt: value.createdAt ?? base?.createdAt ?? '1970-01-01T00:00:00Z',
    aliases: value.aliases ?? base?.aliases ?? [],
    contextWindow: value.contextWindow ?? base?.contextWindow ?? 0,
    maxOutputTokens: value.maxOutputTokens ?? base?.maxOutputTokens ?? 0,
    capabilities: { ...PLAIN_CAPABILITIES, ...base?.capabilities, ...value.capabilities },
    pricing: pricing.declared,
    onDisconnect: value.onDisconnect,
    upstreams:
      value.upstreams === undefined ? (base?.upstreams ?? []) : upstreams.map((each) => priced(each, pricing.current)),
  };
}

/** What the cost leaves out (cache prices, long prompts) is as in the price of now; without a cost, all of it is. */
function priced(upstream: UpstreamEntry, pricing: PriceSheet): ModelUpstream {
  const { provider, model, weight, cost } = upstream;
  return { provider, model, weight, cost: pricesFromSheet({ ...pricing, ...cost }) };
}

/** What a model that is not built in must say itself. An embedding writes no output tokens. */
function requireFields(entry: Entry<ModelEntry>, facts: ModelFacts | undefined, faults: Faults): void {
  if (facts !== undefined) return;
  const required = ['contextWindow', 'pricing', 'upstreams'];
  if (entry.raw.category !== 'embedding') required.push('maxOutputTokens');
  for (const field of required) {
    if (entry.raw[field] === undefined) faults.add([...entry.path, field], 'required');
  }
}

function readUpstreams(entry: Entry<ModelEntry>, known: ReadProviders, reading: Reading): UpstreamEntry[] {
  const path: ConfigPath = [...entry.path, 'upstreams'];
  if (Array.isArray(entry.raw.upstreams) && entry.raw.upstreams.length === 0) {
    reading.faults.add(path, 'must name at least one upstream');
  }
  const entries = readEntries(upstreamSchema, entry.raw.upstreams, path, reading.faults);
  const seen = new Set<string>();
  for (const upstream of entries) {
    const provider = asText(upstream.raw.provider);
    if (provider === undefined) continue;
    const name = `${provider} ${asText(upstream.raw.model) ?? ''}`;
    if (!known.ids.has(provider)) reading.faults.add([...upstream.path, 'provider'], `unknown provider ${provider}`);
    else if (seen.has(name)) reading.faults.add(upstream.path, `repeats ${name}`);
    seen.add(name);
  }
  return entries.flatMap((upstream) => upstream.value ?? []);
}
