import type { Model, Provider } from '@switchboard/contracts';
import type { DeclaredModel } from '../catalog/declared-model';
import type { Reading } from './entries';
import { Faults, pathText } from './faults';
import { readModels } from './read-models';
import { readProviders } from './read-providers';

export interface EntryFault {
  /** Within the entry: `upstreams[0].provider`. */
  path: string;
  message: string;
}

/** One entry, held to the rules of gateway.yaml: all its faults, or what it says in full. */
export type CheckedEntry<T> = { ok: true; value: T } | { ok: false; faults: EntryFault[] };

/** A provider that is not in a file: its credential is given, not referred to. */
export function checkProvider(
  entry: Readonly<Record<string, unknown>> & { apiKey?: string | undefined },
  { standalone }: { standalone: boolean },
): CheckedEntry<Provider> {
  const reading = readingOf(standalone);
  const { apiKey, ...rest } = entry;
  const raw = apiKey === undefined ? rest : { ...rest, apiKey: { value: apiKey } };
  return checked(readProviders([raw], reading).providers[0], reading.faults);
}

/**
 * A model beside the others there are. What is left out of a built-in model is taken from it, but for aliases that
 * others have.
 */
export function checkModel(
  entry: Readonly<Record<string, unknown>>,
  others: { providers: readonly Provider[]; models: readonly Pick<Model, 'id' | 'aliases'>[] },
): CheckedEntry<DeclaredModel> {
  const reading = readingOf(true);
  const providers = [...others.providers];
  const known = { providers, ids: new Set(providers.map(({ id }) => id)), complete: true };
  const [model] = readModels({ list: [entry], builtinModels: false }, known, reading);
  if (model === undefined) return checked<DeclaredModel>(undefined, reading.faults);
  const holders = new Map(others.models.flatMap(({ id, aliases }) => aliases.map((alias) => [alias, id])));
  const ids = new Set(others.models.map(({ id }) => id));
  const isTaken = (name: string): boolean => ids.has(name) || holders.has(name);
  const holder = holders.get(model.id);
  if (holder !== undefined) reading.faults.add(['models', 0, 'id'], `${model.id} is an alias of ${holder}`);
  if (entry['aliases'] === undefined) {
    return checked({ ...model, aliases: model.aliases.filter((alias) => !isTaken(alias)) }, reading.faults);
  }
  for (const [index, alias] of model.aliases.entries()) {
    const path = ['models', 0, 'aliases', index];
    if (ids.has(alias)) reading.faults.add(path, `${alias} is the id of a model`);
    else if (holders.has(alias)) reading.faults.add(path, `${alias} is an alias of ${holders.get(alias) ?? ''}`);
  }
  return checked(model, reading.faults);
}

function readingOf(standalone: boolean): Reading {
  return { faults: new Faults(), warnings: [], secrets: { env: {}, directory: '/' }, standalone };
}

/** Paths start below the list and the index that the entry was read at. */
function checked<T>(value: T | undefined, faults: Faults): CheckedEntry<T> {
  if (value !== undefined && !faults.any) return { ok: true, value };
  return { ok: false, faults: faults.items.map(({ path, message }) => ({ path: pathText(path.slice(2)), message })) };
}
