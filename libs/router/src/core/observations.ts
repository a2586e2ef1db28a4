import type { AccountRefusal, OutcomesV1, ProviderStandingV1, UpstreamOutcomesV1 } from '@switchboard/contracts';
import { isFailure, upstreamName } from '@switchboard/upstreams';
import { DecayedFigures } from './decayed-figures';
import { OutcomeWindow } from './outcome-window';

/** What is not told of for so long is no more: the edge may be gone. */
const PRESENT_MS = 5_000;
const RECENT_MS = 60_000;
const USUAL_MS = 3_600_000;
/** Without replies for so long, what was recent gives way to what is usual: what is not used is not measured. */
const RECENT_STALE_MS = 300_000;
/** A refused account is tried again so often: somebody may have paid, or put the key right at the provider. */
export const REFUSED_MS = 30_000;
const QUOTA_STALE_MS = 10_000;

interface AtEdge {
  atMs: number;
  inFlight: number;
  late: number;
}

/** One upstream at all edges. */
export class UpstreamObservations {
  readonly window = new OutcomeWindow();
  readonly usual = new DecayedFigures(USUAL_MS);
  private readonly recent = new DecayedFigures(RECENT_MS);
  private readonly edges = new Map<string, AtEdge>();
  private heardMs = -Infinity;
  /** Until then it asked to be left alone. */
  parkedUntilMs = -Infinity;

  add(edge: string, outcomes: UpstreamOutcomesV1, nowMs: number): void {
    const before = this.edges.get(edge);
    const lateBefore = before !== undefined && before.atMs > nowMs - PRESENT_MS ? before.late : 0;
    this.window.add(nowMs, outcomes, Math.max(0, outcomes.late - lateBefore));
    this.edges.set(edge, { atMs: nowMs, inFlight: outcomes.inFlight, late: outcomes.late });
    const { parkedForMs = 0 } = outcomes;
    if (parkedForMs > 0) this.parkedUntilMs = Math.max(this.parkedUntilMs, nowMs + parkedForMs);
    this.recent.add(nowMs, outcomes);
    this.usual.add(nowMs, outcomes);
    if (outcomes.replies > 0) this.heardMs = nowMs;
  }

  /** How calls are now, or at least usually. */
  figures(nowMs: number): DecayedFigures {
    return this.recent.isMeasured && nowMs - this.heardMs < RECENT_STALE_MS ? this.recent : this.usual;
  }

  /** Calls under way, and how many of them are late. */
  underWay(nowMs: number): { inFlight: number; late: number } {
    const sum = { inFlight: 0, late: 0 };
    for (const [edge, { atMs, inFlight, late }] of this.edges) {
      if (atMs <= nowMs - PRESENT_MS) this.edges.delete(edge);
      else [sum.inFlight, sum.late] = [sum.inFlight + inFlight, sum.late + late];
    }
    return sum;
  }
}

/** One account at all edges. */
export class AccountObservations {
  refusal: AccountRefusal | undefined;
  /** From when on a refused account is tried. */
  retryAtMs = -Infinity;
  private readonly quotas = new Map<string, { atMs: number; left: number }>();

  /** `served`, `refused`: calls of the same report. */
  add(
    edge: string,
    standing: ProviderStandingV1,
    { served, refused, nowMs }: { served: number; refused: number; nowMs: number },
  ): void {
    const { refusal, quotaLeft } = standing;
    // An edge repeats a refusal for as long as it has not been served since: only a call says so anew.
    if (refusal !== undefined && refused > 0) {
      this.refusal = refusal;
      this.retryAtMs = nowMs + REFUSED_MS;
    }
    if (quotaLeft !== undefined && served + refused > 0) this.quotas.set(edge, { atMs: nowMs, left: quotaLeft });
  }

  served(): void {
    this.refusal = undefined;
  }

  /** The least that any edge was told lately, 0 to 1; undefined: nobody was. */
  quotaLeft(nowMs: number): number | undefined {
    let least: number | undefined;
    for (const [edge, { atMs, left }] of this.quotas) {
      if (atMs <= nowMs - QUOTA_STALE_MS) this.quotas.delete(edge);
      else least = Math.min(least ?? left, left);
    }
    return least;
  }
}

/**
 * What all edges met at all upstreams. Every replica of the router keeps it, so that whichever comes to lead knows. Time
 * is any clock in milliseconds that never goes back.
 */
export class Observations {
  private readonly upstreams = new Map<string, UpstreamObservations>();
  private readonly accounts = new Map<string, AccountObservations>();

  /** @returns whether it tells of trouble. */
  take({ edge, upstreams, providers }: OutcomesV1, nowMs: number): boolean {
    const calls = new Map<string, { served: number; refused: number }>();
    const standings = new Map(providers.map((standing) => [standing.provider, standing]));
    let isTrouble = providers.some(({ refusal }) => refusal !== undefined);
    for (const outcomes of upstreams) {
      const { provider, counts } = outcomes;
      const sum = calls.get(provider) ?? { served: 0, refused: 0 };
      const { account = 0, ok = 0 } = counts;
      calls.set(provider, { served: sum.served + ok, refused: sum.refused + account });
      this.upstream(outcomes).add(edge, outcomes, nowMs);
      isTrouble ||=
        outcomes.late > 0 ||
        outcomes.parkedForMs !== undefined ||
        Object.keys(counts).some((each) => isFailure(each as keyof typeof counts));
    }
    for (const [provider, { served, refused }] of calls) {
      if (served > 0 && (refused === 0 || standings.get(provider)?.refusal === undefined)) {
        this.account(provider).served();
      }
    }
    for (const standing of providers) {
      const { served, refused } = calls.get(standing.provider) ?? { served: 0, refused: 0 };
      this.account(standing.provider).add(edge, standing, { served, refused, nowMs });
    }
    return isTrouble;
  }

  upstream(name: { provider: string; model: string }): UpstreamObservations {
    const key = upstreamName(name);
    let found = this.upstreams.get(key);
    if (found === undefined) this.upstreams.set(key, (found = new UpstreamObservations()));
    return found;
  }

  account(provider: string): AccountObservations {
    let found = this.accounts.get(provider);
    if (found === undefined) this.accounts.set(provider, (found = new AccountObservations()));
    return found;
  }

  /** Forgets what the catalog no longer has. */
  keepOnly(upstreams: ReadonlySet<string>, providers: ReadonlySet<string>): void {
    for (const name of this.upstreams.keys()) if (!upstreams.has(name)) this.upstreams.delete(name);
    for (const id of this.accounts.keys()) if (!providers.has(id)) this.accounts.delete(id);
  }
}
