import {
  type BucketEntry,
  bucketKey,
  decodeJson,
  ROUTING_HEAD_KEY,
  type RoutedModelV2,
  type RoutedPolicyV2,
  type RoutingHeadV2,
} from '@switchboard/contracts';
import type { Logger } from '@switchboard/platform';
import type { PolicyName } from '@switchboard/upstreams';
import type { RoutingSnapshot } from './core/explain';

export type RoutingEntry = RoutedModelV2 | RoutedPolicyV2 | RoutingHeadV2;

/** The snapshot as it is in its bucket, entry by entry. */
export class PublishedRouting implements RoutingSnapshot {
  /** Of all that was ever there: what is lost with the bus still counts. */
  epochMax = 0;
  versionMax = 0;
  private readonly entries = new Map<string, RoutingEntry>();

  constructor(private readonly log: Logger) {}

  /** @returns what it holds; undefined: it was deleted, or cannot be read. */
  tell({ key, value }: BucketEntry): RoutingEntry | undefined {
    this.entries.delete(key);
    if (value === undefined) return undefined;
    try {
      const entry = decodeJson<RoutingEntry | null>(value);
      if (typeof entry?.epoch !== 'number' || typeof entry.version !== 'number') throw new Error('it has no version');
      this.entries.set(key, entry);
      this.epochMax = Math.max(this.epochMax, entry.epoch);
      this.versionMax = Math.max(this.versionMax, entry.version);
      return entry;
    } catch (error) {
      this.log.error({ err: error, entry: key }, 'an entry of the routing snapshot cannot be read and is replaced');
      return undefined;
    }
  }

  get head(): RoutingHeadV2 | undefined {
    const head = this.entries.get(ROUTING_HEAD_KEY);
    return head !== undefined && 'leader' in head ? head : undefined;
  }

  model(id: string): RoutedModelV2 | undefined {
    const entry = this.entries.get(bucketKey.model(id));
    return entry !== undefined && 'upstreams' in entry ? entry : undefined;
  }

  policy(name: PolicyName): RoutedPolicyV2 | undefined {
    const entry = this.entries.get(bucketKey.policy(name));
    return entry !== undefined && 'ranked' in entry ? entry : undefined;
  }

  get models(): RoutedModelV2[] {
    return [...this.entries.values()].flatMap((entry) => ('upstreams' in entry ? [entry] : []));
  }

  [Symbol.iterator](): IterableIterator<[string, RoutingEntry]> {
    return this.entries.entries();
  }
}
