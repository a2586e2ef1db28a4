import {
  BUCKETS,
  decodeJson,
  parseBucketKey,
  type BucketEntry,
  type Bus,
  type RankedUpstreamV2,
  type RoutedModelV2,
  type RoutedPolicyV2,
  type RoutingHeadV2,
  type Subscription,
} from '@switchboard/contracts';
import type { Logger } from '@switchboard/platform';
import { upstreamName } from '@switchboard/upstreams';
import type { UpstreamRegistry } from '../core/upstream-registry';

export interface RoutingReaderOptions {
  bus: Bus;
  upstreams: UpstreamRegistry;
  log: Logger;
}

type RoutingEntry = RoutedModelV2 | RoutedPolicyV2 | RoutingHeadV2;

/**
 * Brings what the router finds to where requests read it. Without a router the last findings stay, and are overruled by
 * what this process meets itself.
 */
export class RoutingReader {
  private readonly watching: Subscription;
  /** What each entry told of. */
  private readonly told = new Map<string, readonly RankedUpstreamV2[]>();
  private readonly policies = new Map<string, RoutedPolicyV2['policy']>();
  private epoch = 0;

  constructor(private readonly options: RoutingReaderOptions) {
    this.watching = options.bus.bucket(BUCKETS.routing).watch({ onEntry: (entry) => this.onEntry(entry) });
  }

  stop(): Promise<void> {
    return this.watching.stop();
  }

  private onEntry({ key, value }: BucketEntry): void {
    try {
      if (value === undefined) return this.gone(key);
      const entry = decodeJson<RoutingEntry>(value);
      // Written by a router that leads no more.
      if (entry.epoch < this.epoch) return;
      this.epoch = entry.epoch;
      if ('upstreams' in entry) this.hear(key, entry.upstreams);
      else if ('ranked' in entry) this.hearPolicy(key, entry);
    } catch (error) {
      const { log } = this.options;
      const id = parseBucketKey(key)?.id ?? key;
      log.error({ err: error, entry: key, id }, 'an entry of the routing snapshot cannot be read; the last one stays');
    }
  }

  private hear(key: string, ranked: readonly RankedUpstreamV2[]): void {
    const nowMs = performance.now();
    const { upstreams } = this.options;
    const names = new Set(ranked.map(upstreamName));
    for (const before of this.told.get(key) ?? []) {
      if (!names.has(upstreamName(before))) upstreams.forget(before, nowMs);
    }
    this.told.set(key, ranked);
    for (const each of ranked) upstreams.hear(each, nowMs);
  }

  private hearPolicy(key: string, { policy, ranked }: RoutedPolicyV2): void {
    this.policies.set(key, policy);
    this.options.upstreams.hearPolicy(policy, ranked);
  }

  private gone(key: string): void {
    this.hear(key, []);
    this.told.delete(key);
    const policy = this.policies.get(key);
    if (policy !== undefined) this.options.upstreams.hearPolicy(policy, undefined);
    this.policies.delete(key);
  }
}
