import { Agent } from 'node:http';
import { startSimulator, type RunningSimulator } from '@switchboard/simulator';
import { startGateway, type RunningGateway } from '../gateway';
import { CLIENT_DIALECTS, conversation, errorIn } from './conversation';
import { GATEWAY_ENV, gatewayConfig, KEY, model, provider } from './gateway-config';
import { send, type RawReply } from './http-exchange';

jest.setTimeout(60_000);

let simulator: RunningSimulator;
let gateway: RunningGateway;
let agent: Agent;

const SLOW = 'sim-any;first_token_ms=150';

beforeAll(async () => {
  simulator = await startSimulator();
  agent = new Agent({ keepAlive: true });
  const account = (id: string, limits: object) => provider(id, 'chat', simulator.url, { limits });
  const config = gatewayConfig(
    [account('two-at-once', { concurrency: 2 }), account('free', {}), account('three-a-minute', { rpm: 3 })],
    [
      model('both/m', [
        { provider: 'two-at-once', model: SLOW },
        { provider: 'free', model: SLOW },
      ]),
      model('narrow/m', [{ provider: 'two-at-once', model: SLOW }]),
      model('rare/m', [{ provider: 'three-a-minute', model: 'sim-any' }]),
    ],
  );
  gateway = await startGateway({ config, env: GATEWAY_ENV });
});

afterAll(async () => {
  agent?.destroy();
  await gateway?.stop();
  await simulator?.close();
});

const call = (name: string, dialect = CLIENT_DIALECTS[0]!): Promise<RawReply> =>
  send(gateway.url, { ...conversation(dialect, { model: name, key: KEY }), agent });

const several = (count: number, name: string): Promise<RawReply[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => call(name, CLIENT_DIALECTS[index % 2])));

test('calls beyond what an account takes at once go to another upstream', async () => {
  const replies = await several(10, 'both/m');
  expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
  const served = replies.map(({ headers }) => headers['x-callmissed-upstream']);
  expect(served.filter((upstream) => upstream === 'two-at-once')).toHaveLength(2);
  expect(served.filter((upstream) => upstream === 'free')).toHaveLength(8);
});

test('with no other upstream they wait for room, and all are served', async () => {
  const replies = await several(8, 'narrow/m');
  expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
});

test('who waits too long is told that the upstream is overloaded, and when there is room', async () => {
  const before = simulator.served().totals.requests;
  const first = await several(3, 'rare/m');
  expect(first.map(({ status }) => status)).toEqual([200, 200, 200]);
  const [anthropic, chat] = await Promise.all(CLIENT_DIALECTS.map((dialect) => call('rare/m', dialect)));
  expect([anthropic?.status, chat?.status]).toEqual([529, 503]);
  expect(errorIn('anthropic', anthropic?.text ?? '')).toMatchObject({ type: 'overloaded_error' });
  expect(errorIn('chat', chat?.text ?? '')).toMatchObject({ code: 'overloaded' });
  for (const reply of [anthropic, chat]) expect(Number(reply?.headers['retry-after'])).toBeGreaterThan(5);
  expect(simulator.served().totals.requests - before).toBe(3);
});

test('a client that leaves while it waits leaves nothing behind', async () => {
  const controllers = Array.from({ length: 4 }, () => new AbortController());
  const calls = controllers.map(({ signal }) =>
    send(gateway.url, { ...conversation('chat', { model: 'narrow/m', key: KEY }), signal }).catch(() => undefined),
  );
  setTimeout(() => controllers.slice(2).forEach((controller) => controller.abort()), 50);
  const replies = await Promise.all(calls);
  expect(replies.filter((reply) => reply?.status === 200)).toHaveLength(2);
  expect((await call('narrow/m')).status).toBe(200);
  const metrics = (await send(gateway.adminUrl, { path: '/metrics' })).text;
  expect(metrics).toMatch(/switchboard_open_requests 0\n/);
  expect(metrics).toMatch(/switchboard_provider_account_waiting\{provider="two-at-once"\} 0\n/);
});
