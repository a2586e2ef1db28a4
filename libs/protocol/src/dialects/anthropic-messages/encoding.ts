import type { Part } from '../../conversation';
import type { Fault, RequestTarget } from '../../dialect';
import { lossOf, type Loss, type Unmapped } from '../../loss';
import type { CacheControl } from './wire';

/**
 * What writing one request turned up: losses, and the first thing that cannot be sent without changing the meaning.
 * Writers go on after a refusal; the caller looks at `fault` once, at the end. Created per request.
 */
export class Encoding {
  readonly losses: Loss[] = [];
  fault: Fault | undefined;
  private readonly callIds = new Map<string, string>();
  private readonly takenCallIds = new Set<string>();

  constructor(
    readonly target: RequestTarget,
    /** Client's own tool name → the one sent. */
    readonly shortNames: ReadonlyMap<string, string>,
  ) {}

  lose(feature: string, path: string): void {
    this.losses.push({ feature, path });
  }

  refuse(message: string, param: string): void {
    this.fault ??= { message: `${param}: ${message}`, param, code: 'unsupported_parameter' };
  }

  loseUnmapped(unmapped: readonly Unmapped[] | undefined): void {
    for (const left of unmapped ?? []) this.losses.push(lossOf(left));
  }

  /** The hint of a part that is not sent, or cannot carry one. */
  loseCache(part: Part, path: string): void {
    if (part.cache !== undefined) this.lose('cache_control', `${path}.cache_control`);
  }

  toolName(own: string): string {
    return this.shortNames.get(own) ?? own;
  }

  /** The API takes `[a-zA-Z0-9_-]+`. One id becomes one id, and two stay two. */
  callId(own: string): string {
    const known = this.callIds.get(own);
    if (known !== undefined) return known;
    const cleaned = own.replace(/[^a-zA-Z0-9_-]/g, '_') || 'call';
    let candidate = cleaned;
    for (let count = 2; this.takenCallIds.has(candidate); count++) candidate = `${cleaned}_${count}`;
    this.takenCallIds.add(candidate);
    this.callIds.set(own, candidate);
    return candidate;
  }
}

export function cacheControl(hint: { ttl?: string }): CacheControl {
  return hint.ttl === undefined ? { type: 'ephemeral' } : { type: 'ephemeral', ttl: hint.ttl };
}
