import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Provider } from '@switchboard/contracts';
import { createLogger, createMetrics } from '@switchboard/platform';
import { provider } from './__fixtures__/catalog';
import { httpProbe } from './adapters/http-probe';
import { Prober } from './prober';
import { PublishedRouting } from './published-routing';
import { registerRouterMetrics } from './router-metrics';

const lines: Record<string, unknown>[] = [];
const log = createLogger({ level: 'info', name: 'test' }, { write: (line) => void lines.push(JSON.parse(line)) });

let server: Server;
let port: number;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
const asked: IncomingMessage[] = [];
let prober: Prober;
let metrics: ReturnType<typeof createMetrics>;
let allowLoopback: boolean;

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
});

beforeEach(() => {
  asked.length = lines.length = 0;
  allowLoopback = true;
  answer = (_, response) => response.writeHead(401).end('{}');
  metrics = createMetrics();
  const gauges = { published: new PublishedRouting(log), isLeading: () => true, refusedAccounts: () => [] };
  prober = new Prober({
    ask: (target, signal) => httpProbe({ ...target, allowLoopback }, signal),
    onProbed: () => undefined,
    metrics: registerRouterMetrics(metrics, gauges),
    log,
  });
});
afterEach(() => prober.stop());

const here = (differs: Partial<Provider> = {}): Provider => ({
  ...provider('here', 0),
  ...{ baseUrl: `http://127.0.0.1:${port}/v1`, apiKey: 'sk-secret', headers: { 'x-key': 'secret' } },
  ...{ probe: { intervalMs: 20 }, ...differs },
});

const follow = (...providers: Provider[]): void => prober.follow(new Map(providers.map((each) => [each.id, each])));

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('it did not come about within 5 s');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

test('whatever is no server error is alive, asked again and again, without a credential', async () => {
  follow(here());
  expect(prober.state('here')).toEqual({ result: 'unknown' });
  await until(() => prober.finding('here')?.inARow === 3);
  expect(prober.state('here')).toMatchObject({ result: 'passing', latencyMs: expect.any(Number) });
  expect(asked[0]).toMatchObject({ method: 'GET', url: '/v1/models' });
  expect(JSON.stringify(asked[0]?.rawHeaders)).not.toContain('secret');
  const counted = 'switchboard_routing_probes_total{provider="here",result="passing"}';
  expect(await metrics.registry.metrics()).toContain(counted);
});

test('a redirection is an answer, and not followed', async () => {
  answer = (_, response) => response.writeHead(302, { location: `http://127.0.0.1:${port}/elsewhere` }).end();
  follow(here());
  await until(() => prober.finding('here')?.inARow === 2);
  expect(prober.state('here').result).toBe('passing');
  expect(asked.every(({ url }) => url === '/v1/models')).toBe(true);
});

test('a server error is a failure, which is logged once, as is the recovery', async () => {
  answer = (_, response) => response.writeHead(503).end();
  follow(here());
  await until(() => prober.finding('here')?.inARow === 3);
  expect(prober.state('here')).toMatchObject({ result: 'failing', error: 'it answered 503' });
  answer = (_, response) => response.end('{}');
  await until(() => prober.finding('here')?.result === 'passing');
  expect(prober.state('here')).not.toHaveProperty('error');
  expect(lines.map(({ level }) => level)).toEqual(['warn', 'info']);
});

test('an answer that breaks off after its head is an answer; one that never comes is none', async () => {
  answer = (_, response) => {
    response.writeHead(200, { 'content-length': 1_000_000 });
    response.write('x');
  };
  follow(here());
  await until(() => prober.finding('here')?.inARow === 2);
  answer = (request) => request.socket.destroy();
  await until(() => prober.finding('here')?.result === 'failing');
});

test('a private address is not connected to where the network is not trusted', async () => {
  allowLoopback = false;
  follow(here());
  await until(() => prober.finding('here')?.result === 'failing');
  expect(prober.state('here').error).toContain('private network');
  expect(asked).toEqual([]);
  follow(here({ trustedNetwork: true }));
  await until(() => prober.finding('here')?.result === 'passing');
});

test('a provider that switches probes off, or is gone, is probed no more; a stop ends a probe under way', async () => {
  follow(here());
  await until(() => prober.finding('here') !== undefined);
  follow(here({ probe: 'off' }));
  expect(prober.state('here')).toEqual({ result: 'off' });
  expect(prober.finding('here')).toBeUndefined();
  const before = asked.length;
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(asked.length).toBeLessThanOrEqual(before + 1);
  answer = () => undefined;
  const hanging = asked.length;
  follow(here());
  await until(() => asked.length > hanging);
  const beganMs = performance.now();
  await prober.stop();
  expect(performance.now() - beganMs).toBeLessThan(1_500);
  expect(lines).toEqual([]);
});
