import { type Bus, parseResponsePart, type ResponsePartV1, type StreamMessage, STREAMS } from '@switchboard/contracts';
import type { Counter, Gauge, Logger, Metrics, Pool } from '@switchboard/platform';
import { RefusedError } from '../adapters/usage-insert';
import { METERING_DURABLE } from '../client';
import { StreamConsumer } from '../stream-consumer';
import type { ResponseParts } from './response-parts';

export interface ResponseConsumerOptions {
  bus: Bus;
  pool: Pool;
  rows: Pick<ResponseParts, 'append'>;
  log: Logger;
  metrics: Metrics;
  /** How long a batch is kept in hand while the database is away, before another consumer may try; default 10,000. */
  holdMs?: number;
}

/** Up to 1 MB each; one that waits for company is one that somebody may ask for. */
const BATCH = { sizeMax: 8, waitMs: 5 };

interface ConsumerMetrics {
  stored: Counter;
  refused: Counter;
  backlog: Gauge;
}

/** Stores what comes over the stream of responses, each part once. What is no part is counted, told of in the log and let go. */
export class ResponseConsumer {
  private readonly metrics: ConsumerMetrics;
  private readonly consumer: StreamConsumer;

  constructor(private readonly options: ResponseConsumerOptions) {
    this.metrics = registerConsumerMetrics(options.metrics);
    this.consumer = new StreamConsumer({
      ...options,
      ...{ stream: STREAMS.responses, durable: METERING_DURABLE, batch: BATCH },
      outage: {
        lost: 'responses cannot be stored and wait in the stream for the database',
        back: 'responses are stored again',
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
    const parts: ResponsePartV1[] = [];
    for (const { payload, sequence } of messages) {
      const part = parseResponsePart(payload);
      if (typeof part !== 'string') parts.push(part);
      else this.refuse({ fault: part, sequence });
    }
    return async () => {
      for (let part = parts[0]; part !== undefined; part = parts[0]) {
        await this.store(part);
        parts.shift();
      }
    };
  }

  private async store(part: ResponsePartV1): Promise<void> {
    try {
      await this.options.rows.append(part);
      this.metrics.stored.inc();
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      const { tenantId, responseId } = part;
      this.refuse({ fault: error.message, tenantId, responseId });
    }
  }

  private refuse(facts: Record<string, unknown>): void {
    this.metrics.refused.inc();
    this.options.log.error(facts, 'a part of a response cannot be stored');
  }
}

function registerConsumerMetrics(metrics: Metrics): ConsumerMetrics {
  return {
    stored: metrics.counter({ name: 'response_parts_stored_total', help: 'Parts of responses that were stored.' }),
    refused: metrics.counter({
      name: 'response_parts_refused_total',
      help: 'What is no part of a response, or what the database refuses; each has a line in the log. Alert on any.',
    }),
    backlog: metrics.gauge({
      name: 'response_parts_backlog',
      help: 'Messages of the stream of responses, each a part of one, not yet stored.',
    }),
  };
}
