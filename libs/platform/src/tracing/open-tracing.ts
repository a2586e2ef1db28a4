import { setTimeout as delay } from 'node:timers/promises';
import { SAMPLED } from '@switchboard/contracts';
import type { HrTime, SpanContext, TraceState } from '@opentelemetry/api';
import type { ReadableSpan, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace';
import type { Logger } from '../logging/logger';
import type { Metrics } from '../metrics/metrics';
import type { TallyCell } from '../metrics/tally';
import { releaseVersion } from '../service/release-version';
import { CountingExporter } from './counting-exporter';
import { tracesEndpoint, type TracingSettings } from './settings';
import type { FinishedSpan, SpanAttributes, SpanKind, SpanSink } from './span';
import { WallClock } from './wall-clock';

/** Finished spans that wait, about 1 KB each: what comes while so many do is dropped. */
const HELD_MAX = 2_048;
const BATCH_MAX = 512;
/** Of a stop: for what still waits. */
const FLUSH_MS = 2_000;

/** The SDK's numbers: its enumerations are values of packages that are loaded only where there is something to export. */
const KINDS: Readonly<Record<SpanKind, number>> = { internal: 0, server: 1, client: 2, producer: 3, consumer: 4 };
const STATUS_UNSET = 0;
const STATUS_ERROR = 2;

const SCOPE = { name: 'switchboard' };

export interface TracingOptions {
  /** Of the process among those of its service: `service.instance.id`. */
  settings: TracingSettings & { INSTANCE: string };
  /** `service.name`, unless OTEL_SERVICE_NAME says otherwise. */
  service: string;
  log: Logger;
  metrics: Metrics;
}

/** Exports spans over OTLP. */
export interface Tracing extends SpanSink {
  /** Sends what waits, for 2 s at most. Later spans are dropped. */
  close(): Promise<void>;
}

/** Undefined: no endpoint is set. Else the SDK is loaded now; whether the collector answers is not waited for. */
export async function openTracing(options: TracingOptions): Promise<Tracing | undefined> {
  const { settings, log, metrics } = options;
  const url = tracesEndpoint(settings);
  if (url === undefined) return undefined;
  const spans = metrics.tally({
    name: 'trace_spans_total',
    help: 'Spans of traced calls, by what became of them: exported, failed (the collector did not take them), dropped (too many waited)',
    labelNames: ['result'],
  });
  const [{ BatchSpanProcessor }, { resourceFromAttributes }, otlp] = await Promise.all([
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/resources'),
    createOtlpExporter(url, settings),
  ]);
  const exporter = new CountingExporter(otlp, { exported: spans.cell('exported'), failed: spans.cell('failed') }, log);
  const processor = new BatchSpanProcessor({
    exporter,
    maxQueueSize: HELD_MAX,
    maxExportBatchSize: BATCH_MAX,
    scheduledDelayMillis: settings.OTEL_BSP_SCHEDULE_DELAY,
  });
  const resource = resourceFromAttributes(resourceAttributes(options));
  return new OtlpTracing({ processor, exporter, resource, dropped: spans.cell('dropped') });
}

/** Of OTLP's two encodings over HTTP only the one that is asked for is loaded. */
async function createOtlpExporter(url: string, settings: TracingSettings): Promise<SpanExporter> {
  const config = { url, headers: settings.OTEL_EXPORTER_OTLP_HEADERS };
  const { OTLPTraceExporter } =
    settings.OTEL_EXPORTER_OTLP_PROTOCOL === 'http/json'
      ? await import('@opentelemetry/exporter-trace-otlp-http')
      : await import('@opentelemetry/exporter-trace-otlp-proto');
  return new OTLPTraceExporter(config);
}

function resourceAttributes({ settings, service }: TracingOptions): Record<string, string> {
  return {
    'service.namespace': 'switchboard',
    'service.version': releaseVersion(),
    'service.instance.id': settings.INSTANCE,
    ...settings.OTEL_RESOURCE_ATTRIBUTES,
    'service.name': settings.OTEL_SERVICE_NAME ?? settings.OTEL_RESOURCE_ATTRIBUTES['service.name'] ?? service,
  };
}

interface Parts {
  processor: SpanProcessor;
  exporter: CountingExporter;
  resource: ReadableSpan['resource'];
  dropped: TallyCell;
}

class OtlpTracing implements Tracing {
  private readonly clock = new WallClock(
    { now: () => performance.now(), wallNow: () => Date.now() },
    performance.timeOrigin,
  );
  private given = 0;
  private closed = false;

  constructor(private readonly parts: Parts) {}

  record(span: FinishedSpan): void {
    const { processor, exporter, dropped } = this.parts;
    // The processor drops by the same bound, and does not say so.
    if (this.closed || this.given - exporter.taken >= HELD_MAX) {
      dropped.count++;
      return;
    }
    this.given++;
    processor.onEnd(this.readable(span));
  }

  async close(): Promise<void> {
    this.closed = true;
    const tooLong = new AbortController();
    const limit = delay(FLUSH_MS, undefined, { signal: tooLong.signal }).catch(() => undefined);
    // What failed was counted and told by the exporter.
    const flushed = this.parts.processor.shutdown().catch(() => undefined);
    await Promise.race([flushed, limit]);
    tooLong.abort();
  }

  private readable(span: FinishedSpan): ReadableSpan {
    const { traceId, spanId, parentSpanId, startedMs, endedMs, error } = span;
    const context = { traceId, spanId, traceFlags: SAMPLED, ...traceStateOf(span) };
    const startTime = hrTime(this.clock.at(startedMs));
    const duration = Math.max(0, endedMs - startedMs);
    return {
      name: span.name,
      kind: KINDS[span.kind],
      spanContext: () => context,
      ...(parentSpanId !== undefined && {
        parentSpanContext: { ...context, spanId: parentSpanId, isRemote: span.hasRemoteParent === true },
      }),
      startTime,
      endTime: hrTime(this.clock.at(startedMs + duration)),
      duration: hrTime(duration),
      ended: true,
      status: error === undefined ? { code: STATUS_UNSET } : { code: STATUS_ERROR },
      attributes: attributesOf(span),
      ...{ links: [], events: [], droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0 },
      resource: this.parts.resource,
      instrumentationScope: SCOPE,
    };
  }
}

function attributesOf({ attributes, error }: FinishedSpan): ReadableSpan['attributes'] {
  const known: Record<string, NonNullable<SpanAttributes[string]>> = {};
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) known[name] = value;
  if (error !== undefined) known['error.type'] = error;
  return known;
}

/** The SDK asks a trace state only to write itself. */
function traceStateOf({ traceState }: FinishedSpan): Pick<SpanContext, 'traceState'> {
  if (traceState === undefined) return {};
  const state: TraceState = {
    get: () => undefined,
    set: () => state,
    unset: () => state,
    serialize: () => traceState,
  };
  return { traceState: state };
}

/** Seconds and nanoseconds. */
function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.floor((ms - seconds * 1_000) * 1_000_000)];
}
