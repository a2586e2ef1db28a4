import { parseBucketKey, SETTINGS_KEY } from '@switchboard/contracts';

/** What other entries name: a model its providers, a key its tenant. */
const NAMED_BY_OTHERS: ReadonlySet<string> = new Set(['provider', 'tenant']);

/**
 * What is to be put or deleted, in steps that are each done before the next begins, so that whoever follows the buckets
 * never has a model without its provider or a key without its tenant. The settings, which say that the rest is whole,
 * come last.
 */
export function publicationSteps<T extends { key: string }>(
  names: readonly T[],
  isPut: (name: T) => boolean,
): readonly T[][] {
  const [namedPuts, puts, deletions, namedDeletions, settings]: [T[], T[], T[], T[], T[]] = [[], [], [], [], []];
  for (const name of names) {
    const isNamed = NAMED_BY_OTHERS.has(parseBucketKey(name.key)?.kind ?? '');
    if (name.key === SETTINGS_KEY) settings.push(name);
    else if (isPut(name)) (isNamed ? namedPuts : puts).push(name);
    else (isNamed ? namedDeletions : deletions).push(name);
  }
  return [namedPuts, puts, deletions, namedDeletions, settings];
}
