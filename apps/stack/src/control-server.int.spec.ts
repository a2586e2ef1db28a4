import { setTimeout as delay } from 'node:timers/promises';
import { ControlError, ControlServer, type Control } from './control-server';

const servers: ControlServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function served(control: Control): Promise<string> {
  const server = new ControlServer(control, 'right-token');
  servers.push(server);
  return server.listen();
}

async function ask(url: string, options: { token?: string; method?: string } = {}) {
  const { token = 'right-token', method = 'POST' } = options;
  const reply = await fetch(url, { method, headers: { authorization: `Bearer ${token}` } });
  return { status: reply.status, body: (await reply.json()) as Record<string, string> };
}

test('an action is done with its name and signal, and told', async () => {
  const asked: unknown[] = [];
  const url = await served((...args) => {
    asked.push(args);
    return Promise.resolve('done it');
  });
  expect(await ask(`${url}/kill?name=redis&signal=SIGTERM`)).toEqual({ status: 200, body: { done: 'done it' } });
  expect((await ask(`${url}/restart`)).status).toBe(200);
  expect(asked).toEqual([
    ['kill', 'redis', 'SIGTERM'],
    ['restart', undefined, 'SIGKILL'],
  ]);
});

test('without the token nothing is done', async () => {
  let asked = 0;
  const url = await served(() => Promise.resolve(String(++asked)));
  for (const token of ['wrong', 'right-tokem', '']) expect((await ask(`${url}/restart`, { token })).status).toBe(401);
  expect(asked).toBe(0);
});

test('unknown paths, methods and signals are refused', async () => {
  const url = await served(() => Promise.resolve(''));
  expect((await ask(`${url}/dance`)).status).toBe(404);
  expect((await ask(`${url}/stop?name=redis`, { method: 'GET' })).status).toBe(405);
  expect((await ask(`${url}/kill?name=redis&signal=SIGNOPE`)).status).toBe(400);
});

test('what cannot be done is told with its reason, and the next action is done all the same', async () => {
  const url = await served((action, name) => {
    if (name === 'nobody') return Promise.reject(new ControlError('nobody: there is none'));
    return action === 'stop' ? Promise.reject(new Error('disk full')) : Promise.resolve('fine');
  });
  expect(await ask(`${url}/stop?name=nobody`)).toEqual({ status: 400, body: { error: 'nobody: there is none' } });
  expect(await ask(`${url}/stop?name=redis`)).toEqual({ status: 500, body: { error: 'disk full' } });
  expect(await ask(`${url}/start?name=redis`)).toEqual({ status: 200, body: { done: 'fine' } });
});

test('actions asked for at once are done one after the other', async () => {
  const order: string[] = [];
  const url = await served(async (_action, name = '') => {
    order.push(`${name} begins`);
    await delay(50);
    order.push(`${name} ends`);
    return name;
  });
  const first = ask(`${url}/restart?name=a`);
  await delay(20);
  await Promise.all([first, ask(`${url}/restart?name=b`)]);
  expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
});
