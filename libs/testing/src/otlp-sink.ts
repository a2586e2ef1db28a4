import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** As a collector gets it, times in milliseconds since the epoch. */
export interface ReceivedSpan {
  traceId: string;
  spanId: string;
  /** Empty: a root. */
  parentSpanId: string;
  traceState: string;
  name: string;
  kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer' | 'unspecified';
  startMs: number;
  endMs: number;
  failed: boolean;
  attributes: Record<string, unknown>;
  /** Of the process that told it. */
  resource: Record<string, unknown>;
}

export interface OtlpSink {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT, with `http/json` as the protocol. */
  url: string;
  /** All that came so far. */
  spans: ReceivedSpan[];
  /** Headers of each request that came. */
  requests: Record<string, string | string[] | undefined>[];
  close(): Promise<void>;
}

type Value = Record<string, unknown> & { arrayValue?: { values?: Value[] } };
type KeyValue = { key: string; value: Value };
type WireSpan = Record<string, unknown> & { kind?: number; status?: { code?: number }; attributes?: KeyValue[] };
interface Wire {
  resourceSpans: { resource: { attributes: KeyValue[] }; scopeSpans: { spans: WireSpan[] }[] }[];
}

const KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const;
const FAILED = 2;

/** A collector that keeps what it gets over OTLP/HTTP in JSON, of `status` say 503 nothing. */
export async function startOtlpSink({ status = 200 }: { status?: number } = {}): Promise<OtlpSink> {
  const spans: ReceivedSpan[] = [];
  const requests: OtlpSink['requests'] = [];
  const server = createServer((incoming, response) => {
    requests.push({ ...incoming.headers, path: incoming.url });
    const isJson = incoming.headers['content-type'] === 'application/json';
    const received = isJson ? json(incoming) : Promise.resolve(incoming.resume()).then(() => ({ resourceSpans: [] }));
    received.then(
      (body) => {
        if (status === 200) spans.push(...spansOf(body as Wire));
        response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
      },
      () => response.destroy(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ spans, requests },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function spansOf({ resourceSpans }: Wire): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) => spans.map((span) => readSpan(span, valuesOf(resource.attributes)))),
  );
}

function readSpan(span: WireSpan, resource: ReceivedSpan['resource']): ReceivedSpan {
  return {
    traceId: textOf(span['traceId']),
    spanId: textOf(span['spanId']),
    parentSpanId: textOf(span['parentSpanId']),
    traceState: textOf(span['traceState']),
    name: textOf(span['name']),
    kind: KINDS[span.kind ?? 0] ?? 'unspecified',
    startMs: Number(span['startTimeUnixNano']) / 1e6,
    endMs: Number(span['endTimeUnixNano']) / 1e6,
    failed: span.status?.code === FAILED,
    attributes: valuesOf(span.attributes ?? []),
    resource,
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function valuesOf(attributes: KeyValue[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, valueOf(value)]));
}

function valueOf(value: Value): unknown {
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(valueOf);
  if (value['intValue'] !== undefined) return Number(value['intValue']);
  return Object.values(value)[0];
}

/** One line a span, below its parent, the earliest first; times from the first of them on. */
export function traceTree(spans: readonly ReceivedSpan[]): string {
  const known = new Set(spans.map(({ spanId }) => spanId));
  const begin = Math.min(...spans.map(({ startMs }) => startMs));
  const byStart = [...spans].sort((left, right) => left.startMs - right.startMs);
  const lines = (parent: string | undefined, depth: number): string[] =>
    byStart
      .filter(({ parentSpanId }) => (parent === undefined ? !known.has(parentSpanId) : parentSpanId === parent))
      .flatMap((span) => [lineOf(span, begin, depth), ...lines(span.spanId, depth + 1)]);
  return lines(undefined, 0).join('\n');
}

function lineOf(
  { name, kind, resource, startMs, endMs, attributes }: ReceivedSpan,
  begin: number,
  depth: number,
): string {
  const title = `${'  '.repeat(depth)}${name}`;
  const error = attributes['error.type'];
  const failure = typeof error === 'string' ? `  error: ${error}` : '';
  const time = `+${(startMs - begin).toFixed(1)} ms`.padStart(11);
  const length = `${(endMs - startMs).toFixed(1)} ms`.padStart(11);
  return `${title.padEnd(52)} ${String(resource['service.name']).padEnd(11)} ${kind.padEnd(8)}${time}${length}${failure}`;
}
