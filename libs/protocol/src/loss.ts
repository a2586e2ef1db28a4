import type { JsonValue } from './json';

/**
 * One piece of a request or reply that the target dialect cannot carry. Nothing is dropped without one.
 *
 * `feature` is a stable dotted name a reader can act on (`cache_control`, `thinking.signature`, `top_k`,
 * `field.safeguards`); it is what the reply header and the usage record count. `path` says where it stood, in the
 * source's own words (`messages[3].content[0].signature`).
 */
export interface Loss {
  readonly feature: string;
  readonly path: string;
}

/** A field or block of the source dialect for which the canonical model has no room; it becomes a Loss across dialects. */
export interface Unmapped {
  readonly path: string;
  readonly value: JsonValue;
  /** The feature of its loss, where the last member of the path does not name it. */
  readonly feature?: string;
}

/** `tools[0].input_examples` → `field.input_examples`: the feature name of an unmapped field's loss. */
export function fieldFeature(path: string): string {
  return `field.${/([^.[\]]+)(?:\[\d+\])*$/.exec(path)?.[1] ?? path}`;
}

/** The loss that something unmapped becomes. */
export function lossOf({ path, feature }: Unmapped): Loss {
  return { feature: feature ?? fieldFeature(path), path };
}

/** `thinking.signature;n=2, cache_control;n=4`: the value of the translation-loss header, features in order of first appearance. */
export function formatLosses(losses: readonly Loss[]): string {
  const counts = new Map<string, number>();
  for (const { feature } of losses) counts.set(feature, (counts.get(feature) ?? 0) + 1);
  return [...counts].map(([feature, count]) => `${feature};n=${count}`).join(', ');
}
