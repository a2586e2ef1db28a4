import {
  bucketKey,
  type Catalog,
  type ModelUpstream,
  type RankedUpstreamV2,
  type RoutedModelV2,
  type RoutedPolicyV2,
  type UpstreamState,
} from '@switchboard/contracts';
import { POLICY_NAMES, type UpstreamFigures, upstreamName } from '@switchboard/upstreams';
import { type Health, healthyFrom, nextHealth, type ProbeFinding, retryAtMs } from './health';
import { Observations } from './observations';
import { RestingFigures } from './resting-figures';
import { autoCandidates, type Finding, type FindingOf, routeModel, routePolicy } from './routing';

/** An entry of the snapshot, but for what tells one writing of it from another. */
export type EntryBody = Omit<RoutedModelV2, keyof Version> | Omit<RoutedPolicyV2, keyof Version>;

export interface Version {
  epoch: number;
  version: number;
  createdAtMs: number;
}

export interface Moment {
  /** By a clock that never goes back. */
  nowMs: number;
  /** By the calendar. */
  atMs: number;
}

export interface Evaluation {
  /** By key of the routing bucket. */
  entries: Map<string, EntryBody>;
  /** When something is due by time alone; Infinity: nothing is. */
  dueMs: number;
}

interface Tracked {
  health: Health;
  stateVersion: number;
  figures: RestingFigures;
}

interface MeanOutput {
  replies: number;
  tokens: number;
}

/** An upstream as it was found last. */
export interface TrackedUpstream {
  health: Health;
  figures: UpstreamFigures;
}

/** Works out from what the edges met, and from the probes, what the snapshot is to say. */
export class Evaluator {
  readonly observations = new Observations();
  private readonly tracked = new Map<string, Tracked>();

  /** Whatever has changed by now is of `nextVersion`. */
  evaluate(
    catalog: Catalog,
    { nowMs, atMs }: Moment,
    { nextVersion, probeOf }: { nextVersion: number; probeOf: (provider: string) => ProbeFinding | undefined },
  ): Evaluation {
    let dueMs = Infinity;
    const output = this.outputTokens(catalog);
    for (const upstream of upstreamsOf(catalog)) {
      const tracked = this.trackedOf(upstream, nowMs);
      this.reassess(tracked, upstream, { nowMs, nextVersion, probe: probeOf(upstream.provider) });
      if (tracked.health.state === 'open') dueMs = Math.min(dueMs, retryAtMs(tracked.health));
      this.measure(tracked, upstream, output.get(upstreamName(upstream)), nowMs);
    }
    const of: FindingOf = (upstream) => findingOf(this.trackedOf(upstream, nowMs));
    const entries = new Map<string, EntryBody>();
    for (const model of catalog.models.values()) {
      entries.set(bucketKey.model(model.id), { model: model.id, upstreams: routeModel(catalog, model, of) });
    }
    const candidates = autoCandidates(catalog, of, atMs);
    for (const policy of POLICY_NAMES) {
      entries.set(bucketKey.policy(policy), { policy, ranked: routePolicy(policy, catalog, candidates) });
    }
    return { entries, dueMs };
  }

  /** Goes on from what another router found. */
  adopt(entry: Pick<RoutedModelV2, 'upstreams' | 'createdAtMs'>, { nowMs, atMs }: Moment): void {
    const sinceMs = nowMs - Math.max(0, atMs - entry.createdAtMs);
    for (const ranked of entry.upstreams) {
      const name = upstreamName(ranked);
      const known = this.tracked.get(name);
      const isKnown = known?.stateVersion === ranked.stateVersion && known.health.state === ranked.state;
      const health = isKnown ? known.health : this.adoptedHealth(ranked, sinceMs);
      const figures = new RestingFigures(figuresOf(ranked));
      this.tracked.set(name, { health, stateVersion: ranked.stateVersion, figures });
    }
  }

  /** Undefined: it has not been evaluated. */
  upstream(name: { provider: string; model: string }): TrackedUpstream | undefined {
    const tracked = this.tracked.get(upstreamName(name));
    return tracked && { health: tracked.health, figures: tracked.figures.current };
  }

  /** Forgets what the catalog no longer has. */
  keepOnly(catalog: Catalog): void {
    const names = new Set(upstreamsOf(catalog).map(upstreamName));
    for (const name of this.tracked.keys()) if (!names.has(name)) this.tracked.delete(name);
    this.observations.keepOnly(names, new Set(catalog.providers.keys()));
  }

  private trackedOf(upstream: ModelUpstream, nowMs: number): Tracked {
    const name = upstreamName(upstream);
    let tracked = this.tracked.get(name);
    if (tracked === undefined) this.tracked.set(name, (tracked = newlyTracked(nowMs)));
    return tracked;
  }

  private reassess(
    tracked: Tracked,
    upstream: ModelUpstream,
    { nowMs, nextVersion, probe }: { nowMs: number; nextVersion: number; probe: ProbeFinding | undefined },
  ): void {
    const { window, usual, parkedUntilMs } = this.observations.upstream(upstream);
    const account = this.observations.account(upstream.provider);
    const usualFirstTokenMs = usual.firstTokenMs;
    const before = tracked.health;
    const health = nextHealth(before, { window, parkedUntilMs, account, usualFirstTokenMs, probe }, nowMs);
    tracked.health = health;
    if (tracked.stateVersion === 0) tracked.stateVersion = nextVersion;
    if (health.state !== before.state || health.retryAfterMs !== before.retryAfterMs) {
      tracked.stateVersion = nextVersion;
    }
  }

  private measure(tracked: Tracked, upstream: ModelUpstream, output: MeanOutput | undefined, nowMs: number): void {
    const observed = this.observations.upstream(upstream);
    const { firstTokenMs, tokensPerSecond } = observed.figures(nowMs);
    const { cacheHitRate } = observed.usual;
    const isMeasured = output !== undefined && output.replies >= OUTPUT_REPLIES_LEAST;
    const outputTokens = isMeasured ? output.tokens / output.replies : undefined;
    tracked.figures.update({ firstTokenMs, tokensPerSecond, cacheHitRate, outputTokens }, nowMs);
  }

  /** How much a model says is its own, whoever runs it: of all its upstreams together, so that none seems dearer by chance. */
  private outputTokens(catalog: Catalog): Map<string, MeanOutput> {
    const outputs = new Map<string, MeanOutput>();
    for (const model of catalog.models.values()) {
      const ofModel: MeanOutput = { replies: 0, tokens: 0 };
      for (const upstream of model.upstreams) {
        const { usual } = this.observations.upstream(upstream);
        ofModel.replies += usual.replies;
        ofModel.tokens += usual.outputTokens;
        outputs.set(upstreamName(upstream), ofModel);
      }
    }
    return outputs;
  }

  private adoptedHealth(ranked: RankedUpstreamV2, sinceMs: number): Health {
    const { state, reason, retryAfterMs } = ranked;
    const marks = { ...this.observations.upstream(ranked).window.totals };
    const found = { state, sinceMs, evidenceSinceMs: sinceMs, marks };
    return {
      ...found,
      ...(reason !== undefined && { reason }),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    };
  }
}

const OUTPUT_REPLIES_LEAST = 5;

function newlyTracked(nowMs: number): Tracked {
  return { health: healthyFrom(nowMs), stateVersion: 0, figures: new RestingFigures() };
}

function findingOf({ health, stateVersion, figures }: Tracked): Finding {
  const { state, reason, retryAfterMs } = health;
  const found: { state: UpstreamState; stateVersion: number } = { state, stateVersion };
  return {
    ...found,
    ...(reason !== undefined && { reason }),
    ...(state === 'open' && retryAfterMs !== undefined && { retryAfterMs: Math.ceil(retryAfterMs) }),
    figures: figures.current,
  };
}

function figuresOf({ firstTokenMs, tokensPerSecond, outputTokens, cacheHitRate }: RankedUpstreamV2): UpstreamFigures {
  return {
    ...(firstTokenMs !== undefined && { firstTokenMs }),
    ...(tokensPerSecond !== undefined && { tokensPerSecond }),
    ...(outputTokens !== undefined && { outputTokens }),
    ...(cacheHitRate !== undefined && { cacheHitRate }),
  };
}

/** Each once, those without a provider left out. */
function upstreamsOf(catalog: Catalog): ModelUpstream[] {
  const upstreams = new Map<string, ModelUpstream>();
  for (const model of catalog.models.values()) {
    for (const upstream of model.upstreams) {
      if (catalog.providers.has(upstream.provider)) upstreams.set(upstreamName(upstream), upstream);
    }
  }
  return [...upstreams.values()];
}
