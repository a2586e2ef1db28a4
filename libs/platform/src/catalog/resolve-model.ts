import type { Catalog, Model } from '@switchboard/contracts';
import type { DialectId } from '@switchboard/protocol';

/** A catalog is an immutable value, so its index lives exactly as long as it does. */
const INDEXES = new WeakMap<Catalog, ReadonlyMap<string, Model>>();

function indexOf(catalog: Catalog): ReadonlyMap<string, Model> {
  const known = INDEXES.get(catalog);
  if (known !== undefined) return known;
  const index = new Map<string, Model>();
  for (const model of catalog.models.values()) {
    for (const alias of model.aliases) if (!index.has(alias)) index.set(alias, model);
  }
  // An id always means itself, whatever aliases say.
  for (const [id, model] of catalog.models) index.set(id, model);
  INDEXES.set(catalog, index);
  return index;
}

/**
 * The model a client's name stands for: an id, or an alias. On Anthropic paths a bare `claude-…` is first read as
 * `anthropic/claude-…`. Undefined: no such model. Does not know `auto`. Constant time.
 */
export function resolveModel(catalog: Catalog, requested: string, dialect: DialectId): Model | undefined {
  const index = indexOf(catalog);
  if (dialect === 'anthropic-messages' && requested.startsWith('claude-') && !requested.includes('/')) {
    const prefixed = index.get(`anthropic/${requested}`);
    if (prefixed !== undefined) return prefixed;
  }
  return index.get(requested);
}

/** Longer names are cut before they are compared: the comparison is quadratic and the name is the client's. */
const COMPARED_LENGTH = 100;

/** The ids of the models whose id or an alias is nearest to the name, best first. For error messages: not a hot path. */
export function closestModels(catalog: Catalog, requested: string, limit = 3): string[] {
  const wanted = requested.slice(0, COMPARED_LENGTH).toLowerCase();
  const ranked = [...catalog.models.values()].map((model) => ({
    id: model.id,
    distance: Math.min(...[model.id, ...model.aliases].map((name) => nameDistance(wanted, name.toLowerCase()))),
  }));
  ranked.sort((a, b) => a.distance - b.distance || (a.id < b.id ? -1 : 1));
  return ranked.slice(0, limit).map((entry) => entry.id);
}

/**
 * Edits per character, 0 (same) to 1. A name that contains the other is nearer than its length says: people leave out
 * the maker or the version.
 */
function nameDistance(wanted: string, name: string): number {
  const edits = editDistance(wanted, name) / Math.max(wanted.length, name.length, 1);
  const contained = wanted.length >= 3 && (name.includes(wanted) || wanted.includes(name));
  return contained ? edits / 2 : edits;
}

/** Levenshtein, one row at a time. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const substitution = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
