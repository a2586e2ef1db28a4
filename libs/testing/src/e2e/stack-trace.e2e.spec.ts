import { randomBytes } from 'node:crypto';
import { freePort } from '@switchboard/platform';
import { startSimulator, type RunningSimulator } from '@switchboard/simulator';
import { startGateway, type GatewayOptions, type RunningGateway } from '../gateway';
import { startOtlpSink, traceTree, type OtlpSink, type ReceivedSpan } from '../otlp-sink';
import { startStack } from '../stack';
import { conversation } from './conversation';
import { GATEWAY_ENV, gatewayConfig, keyHash, model, provider } from './gateway-config';
import { send } from './http-exchange';
import { eventually } from './usage-ledger';

jest.setTimeout(120_000);

/** With limits, so that there is somebody to ask. */
const KEY = 'cm_test_traced';
const PROMPT = 'a prompt that no trace may hold';
const USAGE = 'switchboard.usage.v1.recorded';

let simulator: RunningSimulator;
let sink: OtlpSink;

beforeAll(async () => {
  simulator = await startSimulator();
  sink = await startOtlpSink();
});

afterAll(async () => {
  await sink?.close();
  await simulator?.close();
});

/** A model on an upstream that nobody listens at and, after that, on one that streams; and one on the latter alone. */
async function optionsOf(): Promise<GatewayOptions> {
  const dead = provider('dead', 'chat', `http://127.0.0.1:${await freePort()}`, { tier: 0, probe: 'off' });
  const live = provider('live', 'chat', simulator.url, { tier: 1, probe: 'off' });
  const upstreams = ['dead', 'live'].map((id) => ({ provider: id, model: 'sim-any;chunks=5;chunk_delay_ms=20' }));
  return {
    config: gatewayConfig(
      [dead, live],
      [model('test/traced', upstreams), model('test/untraced', upstreams.slice(1))],
      [{ name: 'traced', key: { hash: keyHash(KEY) }, limits: { rpm: 100 } }],
    ),
    env: {
      ...GATEWAY_ENV,
      OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '200',
      // The client decides, or nobody.
      OTEL_TRACES_SAMPLER_ARG: '0',
    },
  };
}

interface TracedCall {
  /** The client's own span. */
  client: string;
  /** What the collector has of its trace so far. */
  spans(): ReceivedSpan[];
}

/** One streamed call of a client that traces, after one of a client that does not. */
async function tracedCall(gateway: RunningGateway): Promise<TracedCall> {
  const traceId = randomBytes(16).toString('hex');
  const client = randomBytes(8).toString('hex');
  const untraced = await send(gateway.url, conversation('chat', { model: 'test/untraced', key: KEY }));
  expect(untraced.status).toBe(200);
  const reply = await send(
    gateway.url,
    conversation('chat', {
      ...{ model: 'test/traced', key: KEY, stream: true, text: PROMPT },
      headers: { traceparent: `00-${traceId}-${client}-01`, tracestate: 'client=1' },
    }),
  );
  expect(reply).toMatchObject({ status: 200, complete: true });
  return { client, spans: () => sink.spans.filter((span) => span.traceId === traceId) };
}

interface Expected {
  name: string;
  service: string;
  kind: ReceivedSpan['kind'];
  error?: string;
  below?: Expected[];
}

function treeOf(spans: readonly ReceivedSpan[], parentSpanId: string): Expected[] {
  return spans
    .filter((span) => span.parentSpanId === parentSpanId)
    .sort((left, right) => left.startMs - right.startMs)
    .map(({ name, kind, resource, attributes, spanId }) => {
      const below = treeOf(spans, spanId);
      const error = attributes['error.type'] as string | undefined;
      return {
        ...{ name, service: resource['service.name'] as string, kind },
        ...(error !== undefined && { error }),
        ...(below.length > 0 && { below }),
      };
    });
}

const attempts = (service: string): Expected[] => [
  { name: 'chat sim-any;chunks=5;chunk_delay_ms=20', service, kind: 'client', error: 'connect' },
  { name: 'chat sim-any;chunks=5;chunk_delay_ms=20', service, kind: 'client' },
];

function expectWhole(call: TracedCall, expected: Expected): void {
  const { client } = call;
  const spans = call.spans();
  expect(treeOf(spans, client)).toEqual([expected]);
  expect(spans.every(({ traceState }) => traceState === 'client=1' || traceState === '')).toBe(true);
  expect(JSON.stringify(spans)).not.toContain(PROMPT);
  // Whatever one process does below another one's span it does after that began; the clocks of one machine agree to 1 ms.
  const starts = new Map(spans.map(({ spanId, startMs }) => [spanId, startMs]));
  for (const { parentSpanId, startMs } of spans) {
    expect(startMs).toBeGreaterThanOrEqual((starts.get(parentSpanId) ?? 0) - 2);
  }
  if (process.env['SHOW_TRACE'] !== undefined) process.stdout.write(`${traceTree(spans)}\n`);
}

test('one trace of a streamed call that failed over: client, edge, admission, attempts, NATS, metering, database', async () => {
  const stack = await startStack({ ...(await optionsOf()), replicas: { 'edge-api': 1 } });
  try {
    const service = 'edge-api';
    const database: Expected = { name: 'INSERT usage', service: 'metering', kind: 'client' };
    const call = await tracedCall(stack);
    await eventually('the whole trace is in the collector', () => call.spans().length >= 9);
    expectWhole(call, {
      ...{ name: 'POST /v1/chat/completions', service, kind: 'server' },
      below: [
        {
          ...{ name: 'reserve', service, kind: 'client' },
          below: [
            {
              ...{ name: 'reserve tenant', service: 'rate-limit', kind: 'server' },
              below: [{ name: 'EVALSHA reserve', service: 'rate-limit', kind: 'client' }],
            },
          ],
        },
        ...attempts(service),
        {
          ...{ name: `send ${USAGE}`, service, kind: 'producer' },
          below: [{ name: `process ${USAGE}`, service: 'metering', kind: 'consumer', below: [database] }],
        },
      ],
    });
    // The call that nobody samples is nowhere.
    expect(simulator.served().requests).toHaveLength(2);
    expect(new Set(sink.spans.map(({ traceId }) => traceId)).size).toBe(1);
  } finally {
    await stack.stop();
  }
});

test('the same in one process; what it has yet to tell when it is stopped is told', async () => {
  const options = await optionsOf();
  const gateway = await startGateway({ ...options, env: { ...options.env, OTEL_BSP_SCHEDULE_DELAY: '60000' } });
  const service = 'standalone';
  let call: TracedCall;
  try {
    call = await tracedCall(gateway);
    expect(call.spans()).toEqual([]);
  } finally {
    await gateway.stop();
  }
  expectWhole(call, {
    ...{ name: 'POST /v1/chat/completions', service, kind: 'server' },
    below: [
      { name: 'reserve', service, kind: 'client', below: [{ name: 'reserve tenant', service, kind: 'internal' }] },
      ...attempts(service),
      {
        ...{ name: 'process usage', service, kind: 'internal' },
        below: [{ name: 'INSERT usage', service, kind: 'client' }],
      },
    ],
  });
});
