import type { Counter, Metrics } from '@switchboard/platform';

export interface WebhookMetrics {
  events: Counter<'type'>;
  deliveries: Counter<'result'>;
}

export function registerWebhookMetrics(metrics: Metrics): WebhookMetrics {
  return {
    events: metrics.counter<'type'>({
      name: 'webhook_events_total',
      help: 'Events that webhooks are told of, by type.',
      labelNames: ['type'],
    }),
    deliveries: metrics.counter<'result'>(
      {
        name: 'webhook_deliveries_total',
        help: 'Attempts to deliver an event, by result: delivered, retried (failed, tried again later), failed (given up), gone (410: the webhook is switched off).',
        labelNames: ['result'],
      },
      ['delivered', 'retried', 'failed', 'gone'].map((result) => ({ result })),
    ),
  };
}
