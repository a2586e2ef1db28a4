import { DENIAL_REASONS, type LimiterStep, type LimiterStepReply } from '@switchboard/contracts';
import type { Counter, Histogram, Metrics } from '@switchboard/platform';

const STEPS: ReadonlySet<unknown> = new Set<LimiterStep['do']>(['reserve', 'extend', 'settle', 'renew', 'restore']);

/** Of reservations, in the exposition from the start. */
const OUTCOMES = ['granted', 'unavailable', ...DENIAL_REASONS.map((reason) => `denied_${reason}`)];

export interface QuotaMetrics {
  /** One step, what came of it, and how long that took. */
  observe(step: LimiterStep, reply: LimiterStepReply, seconds: number): void;
  orphans: Counter;
  ledgerReadings: Histogram;
}

/** Once per registry. No label holds a key, a tenant or free text. */
export function registerQuotaMetrics(metrics: Metrics): QuotaMetrics {
  const steps = metrics.counter<'step' | 'outcome'>(
    {
      name: 'rate_limit_steps_total',
      help: 'Steps asked for, by what came of them: granted, denied_<reason>, done, unknown, orphaned, pending (asks again), unavailable.',
      labelNames: ['step', 'outcome'],
    },
    OUTCOMES.map((outcome) => ({ step: 'reserve', outcome })),
  );
  const durations = metrics.histogram<'step'>({
    name: 'rate_limit_step_seconds',
    help: 'Time one step took, failures included.',
    labelNames: ['step'],
    buckets: [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
  });
  return {
    observe: (step, reply, seconds) => {
      const name = nameOf(step);
      steps.inc({ step: name, outcome: outcomeOf(reply) });
      durations.observe({ step: name }, seconds);
    },
    orphans: metrics.counter({
      name: 'rate_limit_orphans_total',
      help: 'Reservations that nobody settled or renewed in time, recorded as usage by this process.',
    }),
    ledgerReadings: metrics.histogram({
      name: 'rate_limit_ledger_seconds',
      help: 'Time it took to learn from the ledger what was spent, failures included.',
      buckets: [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5],
    }),
  };
}

/** Anything may come over the bus: what is no step has one name, or labels would hold free text. */
function nameOf(step: unknown): string {
  const name = (step as Partial<LimiterStep> | null | undefined)?.do;
  return name !== undefined && STEPS.has(name) ? name : 'invalid';
}

export function outcomeOf(reply: LimiterStepReply): string {
  return reply.outcome === 'denied' ? `denied_${reply.reason}` : reply.outcome;
}
