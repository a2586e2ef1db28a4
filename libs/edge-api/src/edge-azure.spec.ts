import type { Provider } from '@switchboard/contracts';
import { createLocalBus } from '@switchboard/platform';
import { startSimulator, type RunningSimulator } from '@switchboard/simulator';
import { CatalogBucket, startEdge } from './__fixtures__/edge';
import { KeysBucket, silent } from './__fixtures__/keys-bucket';
import { bodyOf } from './__fixtures__/served-edge';

const KEY = 'ac_live_azure';

let simulator: RunningSimulator;
beforeAll(async () => {
  simulator = await startSimulator();
});
afterAll(() => simulator.close());

/** What becomes of calls by an edge whose one provider is the simulator, as `provider` says. */
async function called(provider: Partial<Provider>, ...calls: { path: string; body: string }[]): Promise<Response[]> {
  const bus = createLocalBus({ log: silent });
  const [keys, catalog] = [new KeysBucket(bus), new CatalogBucket(bus)];
  await keys.putTenant();
  await keys.putKey(KEY);
  await catalog.putProvider('one', simulator.url, { kind: 'azure-openai', ...provider });
  await catalog.putModel('test/model', ['one']);
  await catalog.putSettings();
  const edge = startEdge(bus);
  const url = `http://127.0.0.1:${await edge.opened}`;
  simulator.reset();
  const replies: Response[] = [];
  for (const { path, body } of calls) {
    const reply = await fetch(url + path, { method: 'POST', headers: { 'x-api-key': KEY }, body });
    await reply.clone().text();
    replies.push(reply);
  }
  await edge.replica.close();
  await bus.close();
  return replies;
}

const chat = { path: '/v1/chat/completions?api-version=2023-05-15', body: bodyOf('openai') };
const anthropic = { path: '/v1/messages?beta=true', body: bodyOf('anthropic', { stream: true }) };

test.each<[string, Partial<Provider>, string]>([
  [
    'its deployment, under the version that was set',
    { apiVersion: '2024-10-21' },
    '/openai/deployments/upstream-model/chat/completions?api-version=2024-10-21',
  ],
  ['the v1 API', {}, '/openai/v1/chat/completions'],
])('calls reach %s, whatever the query of the client', async (_, provider, path) => {
  const replies = await called(provider, chat, anthropic);
  expect(replies.map(({ status }) => status)).toEqual([200, 200]);
  expect(await replies[0]!.json()).toMatchObject({ model: 'test/model', choices: [{ finish_reason: 'stop' }] });
  expect(await replies[1]!.text()).toContain('event: message_stop');
  const received = simulator.received();
  expect(received.map((request) => request.path)).toEqual([path, path]);
  for (const { headers } of received) {
    expect(headers).toMatchObject({ 'api-key': '***' });
    expect(headers).not.toHaveProperty('authorization');
  }
});

test('a credential in another header is refused there', async () => {
  const [reply] = await called({ kind: 'openai-compatible', baseUrl: `${simulator.url}/openai/v1` }, chat);
  expect(reply!.status).toBe(502);
  expect(simulator.served().requests).toMatchObject([{ path: '/openai/v1/chat/completions', status: 401 }]);
});
