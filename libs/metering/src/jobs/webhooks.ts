import type { Logger, Metrics, Pool, Sealer } from '@switchboard/platform';
import { BudgetWatch } from '../webhooks/budget-watch';
import { DeliveryRound } from '../webhooks/delivery-round';
import { registerWebhookMetrics } from '../webhooks/webhook-metrics';
import type { Job } from './job';

export interface WebhookJobParts {
  pool: Pool;
  /** Opens what admin-api sealed. */
  sealer: Pick<Sealer, 'open'>;
  log: Logger;
  metrics: Metrics;
  nowMs?: () => number;
}

/** Call it once: it declares metrics. */
export function webhookJobs({ metrics, ...parts }: WebhookJobParts): Job[] {
  const options = { ...parts, metrics: registerWebhookMetrics(metrics) };
  const watch = new BudgetWatch(options);
  const round = new DeliveryRound(options);
  return [
    { name: 'budget-notices', everyMs: 10_000, run: (signal) => watch.run(signal) },
    { name: 'webhook-deliveries', everyMs: 2_000, run: (signal) => round.run(signal) },
  ];
}
