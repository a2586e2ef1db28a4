import { type Bus, type CallLoggedV1, parseCallBatch, type StreamMessage, STREAMS } from '@switchboard/contracts';
import type { Gauge, Logger, Metrics, Pool } from '@switchboard/platform';
import { METERING_DURABLE } from '../client';
import { StreamConsumer } from '../stream-consumer';
import { storeCalls } from './adapters/call-insert';
import { type CallStoreMetrics, countStored, registerStoreMetrics } from './call-metrics';

export interface CallConsumerOptions {
  bus: Bus;
  pool: Pool;
  log: Logger;
  metrics: Metrics;
  /** How long a batch is kept in hand while the database is away, before another consumer may try; default 10,000. */
  holdMs?: number;
}

/** Up to 512 KiB each. */
const BATCH = { sizeMax: 16, waitMs: 100 };

/**
 * Stores what comes over the stream of calls, each call once however often it comes. What is no call is counted, told of in
 * the log and let go: nobody is billed by it, and kept whole it would keep prompts where no retention reaches them.
 */
export class CallConsumer {
  private readonly metrics: CallStoreMetrics & { backlog: Gauge };
  private readonly consumer: StreamConsumer;

  constructor(private readonly options: CallConsumerOptions) {
    this.metrics = {
      ...registerStoreMetrics(options.metrics),
      backlog: options.metrics.gauge({
        name: 'call_log_backlog',
        help: 'Messages of the stream of calls, each of up to 200 calls, not yet stored.',
      }),
    };
    this.consumer = new StreamConsumer({
      ...options,
      ...{ stream: STREAMS.calls, durable: METERING_DURABLE, batch: BATCH },
      outage: {
        lost: 'the call log cannot be stored and waits in the stream for the database',
        back: 'the call log is stored again',
      },
      read: (messages) => this.read(messages),
      onBacklog: (messages) => this.metrics.backlog.set(messages),
    });
  }

  start(): void {
    this.consumer.start();
  }

  /** Resolves when the batch in hand is stored and acknowledged, or given back where the database is away. */
  stop(): Promise<void> {
    return this.consumer.stop();
  }

  private read(messages: readonly StreamMessage[]): () => Promise<void> {
    const { pool, log } = this.options;
    const calls: CallLoggedV1[] = [];
    for (const { payload, sequence } of messages) {
      const reading = parseCallBatch(payload);
      for (const call of reading.calls) calls.push(call);
      this.metrics.refused.inc(reading.faults.length);
      for (const { fault } of reading.faults) log.error({ fault, sequence }, 'no call: it is not in the call log');
    }
    return async () => {
      if (calls.length > 0) countStored(await storeCalls(pool, calls), calls.length, this.metrics, log);
    };
  }
}
