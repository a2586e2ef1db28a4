import type { ProbeStateV1, Provider } from '@switchboard/contracts';
import type { Logger } from '@switchboard/platform';
import type { ProbeFinding } from './core/health';
import { type ProbeTarget, probeTarget } from './core/probe-target';
import type { RouterMetrics } from './router-metrics';

/** Of the interval, either way: probes of many providers, and of many gateways, do not fall together. */
const JITTER = 0.2;

export interface ProberOptions {
  /** Resolves where it is alive. */
  ask: (target: ProbeTarget, signal: AbortSignal) => Promise<void>;
  /** Calls after each. */
  onProbed(): void;
  log: Logger;
  metrics: RouterMetrics;
}

interface Probing {
  target: ProbeTarget;
  timer: NodeJS.Timeout;
  finding?: ProbeFinding;
  state: ProbeStateV1;
}

/** Looks now and then whether providers are alive, those that wish it. */
export class Prober {
  private readonly probings = new Map<string, Probing>();
  private readonly stopping = new AbortController();
  private readonly underWay = new Set<Promise<void>>();

  constructor(private readonly options: ProberOptions) {}

  /** From now on these, as they are now. */
  follow(providers: ReadonlyMap<string, Provider>): void {
    if (this.stopping.signal.aborted) return;
    for (const [id, { target, timer }] of this.probings) {
      const provider = providers.get(id);
      if (provider !== undefined && isSame(target, probeTarget(provider))) continue;
      clearTimeout(timer);
      this.probings.delete(id);
    }
    for (const [id, provider] of providers) {
      const target = probeTarget(provider);
      if (target === undefined || this.probings.has(id)) continue;
      const timer = setTimeout(() => this.start(id), Math.random() * target.intervalMs);
      this.probings.set(id, { target, timer, state: { result: 'unknown' } });
    }
  }

  finding(providerId: string): ProbeFinding | undefined {
    return this.probings.get(providerId)?.finding;
  }

  state(providerId: string): ProbeStateV1 {
    return this.probings.get(providerId)?.state ?? { result: 'off' };
  }

  async stop(): Promise<void> {
    this.stopping.abort(new Error('the router leads no more'));
    for (const { timer } of this.probings.values()) clearTimeout(timer);
    this.probings.clear();
    await Promise.all(this.underWay);
  }

  private start(id: string): void {
    const probing = this.probings.get(id);
    if (probing === undefined) return;
    const asking = this.probe(id, probing).finally(() => {
      this.underWay.delete(asking);
      if (this.probings.get(id) !== probing) return;
      const pauseMs = probing.target.intervalMs * (1 - JITTER + 2 * JITTER * Math.random());
      probing.timer = setTimeout(() => this.start(id), pauseMs);
    });
    this.underWay.add(asking);
  }

  private async probe(id: string, probing: Probing): Promise<void> {
    const beganMs = performance.now();
    let error: string | undefined;
    try {
      await this.options.ask(probing.target, this.stopping.signal);
    } catch (failure) {
      if (this.stopping.signal.aborted) return;
      error = failure instanceof Error ? failure.message : String(failure);
    }
    const result = error === undefined ? 'passing' : 'failing';
    const latencyMs = Math.round(performance.now() - beganMs);
    this.tell(id, probing, { result, atMs: Date.now(), latencyMs, ...(error !== undefined && { error }) });
  }

  private tell(id: string, probing: Probing, state: ProbeStateV1 & { result: ProbeFinding['result'] }): void {
    const { log, metrics, onProbed } = this.options;
    const { result } = state;
    const before = probing.finding;
    const inARow = before?.result === result ? before.inARow + 1 : 1;
    probing.finding = { result, atMs: performance.now(), inARow };
    probing.state = state;
    metrics.probes.inc({ provider: id, result });
    if (inARow === 1 && result === 'failing') {
      log.warn({ provider: id, reason: state.error }, 'a provider cannot be reached by its probe');
    } else if (before?.result === 'failing' && result === 'passing') {
      log.info({ provider: id }, 'a provider can be reached by its probe again');
    }
    onProbed();
  }
}

function isSame(left: ProbeTarget, right: ProbeTarget | undefined): boolean {
  return (
    right !== undefined &&
    left.url.href === right.url.href &&
    left.intervalMs === right.intervalMs &&
    left.trustedNetwork === right.trustedNetwork
  );
}
