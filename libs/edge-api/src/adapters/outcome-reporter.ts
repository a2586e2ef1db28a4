import { randomUUID } from 'node:crypto';
import { encodeJson, SUBJECTS, type Bus, type OutcomesV1, type ProviderStandingV1 } from '@switchboard/contracts';
import type { AccountHealth } from '@switchboard/upstreams';
import type { UpstreamRegistry } from '../core/upstream-registry';

const EVERY_MS = 1_000;

export interface OutcomeReporterOptions {
  bus: Bus;
  upstreams: UpstreamRegistry;
  everyMs?: number;
}

/** Tells the routers once a second what this edge met at its upstreams. Nobody is waited for: health is of now, or of no use. */
export class OutcomeReporter {
  private readonly edge = randomUUID();
  private readonly timer: NodeJS.Timeout;
  private sinceMs = performance.now();

  constructor(private readonly options: OutcomeReporterOptions) {
    this.timer = setInterval(() => this.report(), options.everyMs ?? EVERY_MS).unref();
  }

  stop(): void {
    clearInterval(this.timer);
    this.report();
  }

  private report(): void {
    const { bus, upstreams } = this.options;
    const nowMs = performance.now();
    const outcomes: OutcomesV1 = { edge: this.edge, forMs: nowMs - this.sinceMs, upstreams: [], providers: [] };
    this.sinceMs = nowMs;
    for (const { provider, model, health, tally } of upstreams.upstreams()) {
      const parkedForMs = health.parkedForMs(nowMs);
      const told = tally.take({ provider, model, inFlight: health.inFlight, ...(parkedForMs > 0 && { parkedForMs }) });
      if (told !== undefined) outcomes.upstreams.push(told);
    }
    for (const [provider, health] of upstreams.accountsByProvider()) {
      const standing = standingOf(provider, health);
      if (standing !== undefined) outcomes.providers.push(standing);
    }
    if (outcomes.upstreams.length === 0 && outcomes.providers.length === 0) return;
    if (bus.connected) bus.publish(SUBJECTS.outcomes, encodeJson(outcomes));
  }
}

/** Undefined: there is nothing to tell of it. */
function standingOf(provider: string, health: AccountHealth): ProviderStandingV1 | undefined {
  const { refusal } = health;
  const quotaLeft = health.takeQuotaLeft();
  if (refusal === undefined && quotaLeft === undefined) return undefined;
  return {
    provider,
    ...(refusal !== undefined && { refusal }),
    ...(quotaLeft !== undefined && { quotaLeft }),
  };
}
