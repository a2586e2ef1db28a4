import type { Counter, Logger, Metrics } from '@switchboard/platform';
import type { StoredCalls } from './adapters/call-insert';

export interface CallStoreMetrics {
  stored: Counter;
  duplicates: Counter;
  refused: Counter;
}

export function registerStoreMetrics(metrics: Metrics): CallStoreMetrics {
  return {
    stored: metrics.counter({ name: 'call_log_stored_total', help: 'Calls stored in the call log.' }),
    duplicates: metrics.counter({
      name: 'call_log_duplicates_total',
      help: 'Calls that were in the call log already: deliveries after a crash or an outage.',
    }),
    refused: metrics.counter({
      name: 'call_log_refused_total',
      help: 'Calls that are none, or that the database refuses; each has a line in the log. Alert on any.',
    }),
  };
}

/** Of what was refused nothing but why stands in the log: it may hold a prompt. */
export function countStored(
  { stored, refused }: StoredCalls,
  calls: number,
  metrics: CallStoreMetrics,
  log: Logger,
): void {
  metrics.stored.inc(stored);
  metrics.duplicates.inc(calls - stored - refused.length);
  metrics.refused.inc(refused.length);
  for (const { call, error } of refused) {
    const { requestId, tenantId } = call;
    log.error({ requestId, tenantId, reason: error.message }, 'the database refuses a call of the call log');
  }
}
