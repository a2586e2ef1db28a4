import { isSampled, parseTraceparent, STREAMS, type UsageRecordedV1 } from '@switchboard/contracts';
import { type FinishedSpan, newSpanId, type SpanAttributes, type SpanSink } from '@switchboard/platform';
import type { SentTrace } from './core/usage-batch';

/** What became of a batch that was written. */
export interface WrittenBatch {
  /** What the database refused. */
  refused: readonly { event: UsageRecordedV1 }[];
  /** Monotonic: when the batch came here, when the database was asked, and when it had answered. */
  takenMs: number;
  askedMs: number;
  answeredMs: number;
}

const MESSAGES: SpanAttributes = {
  'messaging.system.name': 'nats',
  'messaging.destination.name': STREAMS.usage.subject,
};

/**
 * Spans of usage on its way into the database, by the conventions of messages and of databases, semantic-conventions
 * v1.45.0. A message holds many calls, few of them traced. Those conventions link one span of a batch to the traces of what
 * it holds; where each message has a span of its own, that may be its parent. Here each traced call has its own, with the
 * times of its batch: so that its trace is whole in itself, in viewers too that follow no links.
 */
export class UsageSpans {
  constructor(private readonly spans: SpanSink) {}

  /** Undefined: it is none whose trace is kept. */
  begin(traceparent: string): SentTrace | undefined {
    const parent = parseTraceparent(traceparent);
    return parent !== undefined && isSampled(parent) ? { parent, spanId: newSpanId() } : undefined;
  }

  /** The stream has confirmed a message of so many calls. */
  sent(traces: readonly SentTrace[], calls: number, startedMs: number): void {
    const endedMs = performance.now();
    for (const { parent, spanId } of traces) {
      this.spans.record({
        ...{ traceId: parent.traceId, spanId, parentSpanId: parent.spanId, startedMs, endedMs },
        ...{ name: `send ${STREAMS.usage.subject}`, kind: 'producer' },
        attributes: {
          ...MESSAGES,
          ...{ 'messaging.operation.name': 'publish', 'messaging.operation.type': 'send' },
          'messaging.batch.message_count': calls,
        },
      });
    }
  }

  /** `overBus`: they came in a message. */
  stored(events: readonly UsageRecordedV1[], batch: WrittenBatch, overBus: boolean): void {
    for (const event of events) {
      const trace = event.traceparent === undefined ? undefined : this.begin(event.traceparent);
      if (trace === undefined) continue;
      const error = batch.refused.some((refused) => refused.event === event) ? 'refused' : undefined;
      this.spans.record({ ...processSpan(trace, batch, overBus, events.length), error });
      this.spans.record({ ...insertSpan(trace, batch, events.length), error });
    }
  }
}

function processSpan(
  { parent, spanId }: SentTrace,
  batch: WrittenBatch,
  overBus: boolean,
  calls: number,
): FinishedSpan {
  const subject = STREAMS.usage.subject;
  return {
    ...{ traceId: parent.traceId, spanId, parentSpanId: parent.spanId, hasRemoteParent: overBus },
    ...{ name: overBus ? `process ${subject}` : 'process usage', kind: overBus ? 'consumer' : 'internal' },
    ...{ startedMs: batch.takenMs, endedMs: batch.answeredMs },
    attributes: {
      ...(overBus && MESSAGES),
      ...(overBus && { 'messaging.operation.name': 'process', 'messaging.operation.type': 'process' }),
      'messaging.batch.message_count': calls,
    },
  };
}

/** One transaction: rows, ledger and rollups. */
function insertSpan({ parent, spanId }: SentTrace, batch: WrittenBatch, calls: number): FinishedSpan {
  return {
    ...{ traceId: parent.traceId, spanId: newSpanId(), parentSpanId: spanId, name: 'INSERT usage', kind: 'client' },
    ...{ startedMs: batch.askedMs, endedMs: batch.answeredMs },
    attributes: {
      'db.system.name': 'postgresql',
      'db.operation.name': 'INSERT',
      'db.collection.name': 'usage',
      'db.operation.batch.size': calls,
    },
  };
}
