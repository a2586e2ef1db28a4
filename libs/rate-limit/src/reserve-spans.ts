import { isSampled, type LimiterStep, type LimiterStepReply, parseTraceparent, SUBJECTS } from '@switchboard/contracts';
import { newSpanId, type SpanSink } from '@switchboard/platform';
import { outcomeOf } from './quota-metrics';

/** Where the spans of traced reservations go, and what they say of the store. */
export interface ReserveTracing {
  spans: SpanSink;
  /** `db.system.name`; absent: the store is this process' own memory. */
  store: 'redis' | undefined;
}

type ReserveStep = LimiterStep & { do: 'reserve' };
/** Told of one question to the store, in monotonic milliseconds. */
export type StoreWatch = (startedMs: number, endedMs: number, error: string | undefined) => void;

/**
 * Performs a reservation; where its call is traced, with a span, and one for each question to the store. Conventions of
 * messages and of databases as of semantic-conventions v1.45.0.
 */
export async function reserveTraced<R extends LimiterStepReply>(
  { spans, store }: ReserveTracing,
  step: ReserveStep,
  reserve: (watch?: StoreWatch) => Promise<R>,
): Promise<R> {
  const parent = parseTraceparent(step.traceparent);
  if (parent === undefined || !isSampled(parent)) return reserve();
  const { traceId } = parent;
  const spanId = newSpanId();
  const startedMs = performance.now();
  const ended = (outcome: string, error: string | undefined): void =>
    spans.record({
      ...{ traceId, spanId, parentSpanId: parent.spanId, hasRemoteParent: store !== undefined },
      ...{ name: `reserve ${groupKind(step)}`, kind: store === undefined ? 'internal' : 'server' },
      ...{ startedMs, endedMs: performance.now(), error },
      attributes: {
        'messaging.system.name': store === undefined ? undefined : 'nats',
        'messaging.destination.name': store === undefined ? undefined : SUBJECTS.limiterBatch,
        'switchboard.admission.outcome': outcome,
      },
    });
  const watch: StoreWatch = (askedMs, answeredMs, error) => {
    if (store === undefined) return;
    spans.record({
      ...{ traceId, spanId: newSpanId(), parentSpanId: spanId, name: 'EVALSHA reserve', kind: 'client' },
      ...{ startedMs: askedMs, endedMs: answeredMs, error },
      attributes: { 'db.system.name': store, 'db.operation.name': 'EVALSHA', 'db.stored_procedure.name': 'reserve' },
    });
  };
  try {
    const reply = await reserve(watch);
    ended(outcomeOf(reply), undefined);
    return reply;
  } catch (error) {
    ended('unavailable', nameOf(error));
    throw error;
  }
}

/** `tenant:acme` → `tenant`: names of spans are few. */
function groupKind({ request: { group } }: ReserveStep): string {
  return group.startsWith('provider:') ? 'provider' : 'tenant';
}

/** Of an error: one of few words. */
export function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'Error';
}
