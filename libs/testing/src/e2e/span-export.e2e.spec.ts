import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { type OtlpSink, startOtlpSink } from '../otlp-sink';

jest.setTimeout(30_000);

const TELLER = path.join(__dirname, '__fixtures__/span-teller.ts');
const COMPILER = path.resolve(__dirname, '../../../platform/src/service/__fixtures__/compile-on-require.cjs');

let sink: OtlpSink;

beforeEach(async () => {
  sink = await startOtlpSink();
});
afterEach(() => sink.close());

interface Told {
  opened: boolean;
  closedMs: number;
  counted(result: string): number;
  /** What was logged. */
  log: string;
}

/** A process that tells spans, to its end. */
async function tell(env: Record<string, string>): Promise<Told> {
  const child = spawn(process.execPath, ['-r', COMPILER, TELLER], {
    ...{ env: { PATH: process.env['PATH'], ...env }, stdio: ['ignore', 'pipe', 'inherit'] },
  });
  const [output] = await Promise.all([text(child.stdout!), once(child, 'close')]);
  const lines = output.trim().split('\n');
  const told = JSON.parse(lines.pop() ?? '') as { opened: boolean; closedMs: number; metrics: string };
  const counted = (result: string): number => {
    const line = told.metrics.split('\n').find((each) => each.includes(`trace_spans_total{result="${result}"}`));
    return Number(line?.split(' ').at(-1) ?? 0);
  };
  return { ...told, counted, log: lines.join('\n') };
}

const json = (url: string) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' });

test('without an endpoint there is no tracing', async () => {
  expect((await tell({})).opened).toBe(false);
});

test('a span that is told late is exported with its own times, below its parent, in the service’s name', async () => {
  const told = await tell({ ...json(sink.url), OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test' });
  expect(sink.spans).toHaveLength(1);
  const [received] = sink.spans;
  expect(received).toMatchObject({
    ...{ traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', parentSpanId: '53995c3f42cd8ad8' },
    ...{ traceState: 'a=b', name: 'work', kind: 'client', failed: true },
    attributes: { text: 'x', count: 3, flag: true, list: ['a', 'b'], 'error.type': 'timeout' },
    resource: {
      ...{ 'service.name': 'edge-api', 'service.namespace': 'switchboard', 'service.instance.id': 'one' },
      'deployment.environment.name': 'test',
    },
  });
  expect(received!.attributes).not.toHaveProperty('absent');
  expect(received!.endMs - received!.startMs).toBeCloseTo(40.5, 2);
  const agoMs = Date.now() - received!.endMs;
  expect(agoMs).toBeGreaterThan(4_990);
  expect(agoMs).toBeLessThan(15_000);
  expect(told.counted('exported')).toBe(1);
});

test('protobuf is what a collector gets unless it is asked for JSON, with the headers that were set', async () => {
  await tell({
    OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Basic%20hunter2',
  });
  expect(sink.requests).toMatchObject([
    { path: '/v1/traces', 'content-type': 'application/x-protobuf', authorization: 'Basic hunter2' },
  ]);
});

test('a collector that refuses is one line in the log, without a secret, and every span is counted', async () => {
  const refusing = await startOtlpSink({ status: 400 });
  const told = await tell({
    ...json(refusing.url),
    ...{ OTEL_EXPORTER_OTLP_HEADERS: 'authorization=hunter2', OTEL_BSP_SCHEDULE_DELAY: '5' },
    ...{ ROUNDS: '4', ROUND_MS: '100' },
  });
  await refusing.close();
  expect(refusing.requests.length).toBeGreaterThan(1);
  expect(told.counted('failed')).toBe(4);
  expect(told.log.match(/spans cannot be exported/g)).toHaveLength(1);
  expect(told.log).not.toContain('hunter2');
});

test('a collector that is away costs no more than a bounded queue, and a stop that hardly waits for it', async () => {
  const gone = await startOtlpSink();
  await gone.close();
  const told = await tell({ ...json(gone.url), SPANS: '10000' });
  expect(told.counted('dropped')).toBeGreaterThan(6_000);
  expect(told.counted('exported')).toBe(0);
  expect(told.closedMs).toBeLessThan(8_000);
});
