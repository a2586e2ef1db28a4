import { type ServerResponse } from 'node:http';
import { connect, createServer, type AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';
import { BUCKETS, bucketKey, encodeJson, type Bus, type RoutedModelV2 } from '@switchboard/contracts';
import { createLocalBus, createLogger } from '@switchboard/platform';
import { CatalogBucket, CHAT_REPLY, startEdge, startUpstream, type Edge, type Upstream } from './__fixtures__/edge';
import { always, prices } from './core/__fixtures__/candidate';
import { KeysBucket, silent, SlowBuckets, until } from './__fixtures__/keys-bucket';

let bus: Bus;
let buckets: SlowBuckets;
let keys: KeysBucket;
let catalog: CatalogBucket;
let edge: Edge;
let url: string;
const upstreams: Upstream[] = [];

beforeEach(async () => {
  bus = createLocalBus({ log: silent });
  buckets = new SlowBuckets(bus);
  keys = new KeysBucket(bus);
  catalog = new CatalogBucket(bus);
  await keys.putTenant();
  await keys.putKey('plain');
});
afterEach(async () => {
  await edge.replica.close();
  await Promise.all(upstreams.splice(0).map((upstream) => upstream.close()));
  await bus.close();
});

async function upstreamAnswering(...answer: Parameters<typeof startUpstream>): Promise<Upstream> {
  const upstream = await startUpstream(...answer);
  upstreams.push(upstream);
  return upstream;
}

async function serve(...answer: Parameters<typeof startUpstream>): Promise<Upstream> {
  const upstream = await upstreamAnswering(...answer);
  await catalog.putProvider('one', upstream.url);
  await catalog.putModel('test/model', ['one']);
  await catalog.putSettings();
  edge = startEdge(buckets.bus);
  url = `http://127.0.0.1:${await edge.opened}`;
  return upstream;
}

const chatBody = (model: string): string => JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }] });

const post = (key: string, more: RequestInit = {}, model = 'test/model'): Promise<Response> =>
  fetch(`${url}/v1/chat/completions`, {
    ...{ method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' } },
    body: chatBody(model),
    ...more,
  });

const postAnthropic = (key: string): Promise<Response> =>
  fetch(`${url}/v1/messages`, {
    ...{ method: 'POST', headers: { 'x-api-key': key } },
    body: JSON.stringify({ model: 'test/model', max_tokens: 9, messages: [{ role: 'user', content: 'Hello' }] }),
  });

const statusOf = async (...request: Parameters<typeof post>): Promise<number> => (await post(...request)).status;
const exposition = (): Promise<string> => edge.metrics.registry.metrics();
const health = async (): Promise<Record<string, string>> => {
  const results = edge.replica.health.map(async ({ name, required, check }) => {
    const state = await check().then(
      () => 'up',
      (error: Error) => error.message,
    );
    return [name, required ? state : `${state} (optional)`] as const;
  });
  return Object.fromEntries(await Promise.all(results));
};

describe('the public port of a replica', () => {
  it('opens with the first whole catalog, and says until then what it waits for', async () => {
    edge = startEdge(bus);
    await catalog.putModel('test/model', []);
    expect(await health()).toEqual({
      nats: 'up',
      catalog: expect.stringContaining('no whole catalog'),
      'public-port': 'waiting for the first catalog',
    });
    await catalog.putSettings();
    const port = await edge.opened;
    expect(await health()).toEqual({ nats: 'up (optional)', catalog: 'up', 'public-port': 'up' });
    const hello = await fetch(`http://127.0.0.1:${port}/api/hello`);
    expect(hello.headers.get('x-acme-request-id')).toMatch(/^req_/);
  });

  it('does not open after it was closed', async () => {
    edge = startEdge(bus);
    await edge.replica.close();
    await catalog.putSettings();
    expect(await Promise.race([edge.opened, new Promise((resolve) => setTimeout(resolve, 100, 'closed'))])).toBe(
      'closed',
    );
  });

  it('keeps its header names when the brand changes, and says once that a restart is needed', async () => {
    const lines: string[] = [];
    const log = createLogger({ level: 'warn', name: 'test' }, { write: (line) => void lines.push(line) });
    await catalog.putSettings();
    edge = startEdge(bus, {}, log);
    url = `http://127.0.0.1:${await edge.opened}`;
    for (const slug of ['new', 'newer']) {
      await catalog.putSettings({ brand: { slug, keyPrefix: 'nw' } });
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    expect((await fetch(`${url}/api/hello`)).headers.has('x-acme-request-id')).toBe(true);
    expect(lines.filter((line) => line.includes('restart'))).toHaveLength(1);
  });
});

describe('a request', () => {
  it('is served by key, catalog and credentials as published', async () => {
    const upstream = await serve();
    const reply = await post('plain');
    expect(reply.status).toBe(200);
    expect(await reply.json()).toMatchObject({ choices: [{ message: { content: 'Hi' } }] });
    expect(upstream.requests[0]?.headers.authorization).toBe('Bearer sk-one');
    expect(await statusOf('nobody')).toBe(401);
  });

  it('loses nothing of its body while its key is looked up, however large', async () => {
    await serve();
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    buckets.holdUp = () => held;
    const content = 'x'.repeat(400_000);
    const body = JSON.stringify({ model: 'test/model', messages: [{ role: 'user', content }] });
    const reply = post('plain', { body });
    await new Promise((resolve) => setTimeout(resolve, 200));
    release();
    expect((await reply).status).toBe(200);
    expect(edge.usage).toHaveLength(1);
    const upstream = upstreams[0]!;
    expect(Number(upstream.requests[0]?.headers['content-length'])).toBeGreaterThan(400_000);
  });

  it('whose client leaves while its key is looked up reaches no upstream', async () => {
    const upstream = await serve();
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    buckets.holdUp = () => held;
    const leaving = new AbortController();
    const gone = post('plain', { signal: leaving.signal }).catch((error: Error) => error.name);
    await until(() => buckets.reads > 0, 'the lookup');
    await new Promise((resolve) => setTimeout(resolve, 50));
    leaving.abort();
    expect(await gone).toBe('AbortError');
    await new Promise((resolve) => setTimeout(resolve, 50));
    release();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(upstream.requests).toHaveLength(0);
    expect(await exposition()).toContain('switchboard_open_requests 0');
    buckets.holdUp = () => undefined;
    expect(await statusOf('plain')).toBe(200);
  });

  it('with a key that nobody can look up is told so in its own dialect, to come again', async () => {
    await serve();
    expect(await statusOf('plain')).toBe(200);
    await bus.close();
    expect(await statusOf('plain')).toBe(200);
    const chat = await post('other');
    expect(chat.status).toBe(503);
    expect(chat.headers.get('retry-after')).toBe('1');
    expect(await chat.json()).toMatchObject({
      error: { code: 'key_store_unavailable', message: expect.stringContaining('cannot look up this API key') },
    });
    const anthropic = await postAnthropic('other');
    expect(anthropic.status).toBe(503);
    expect(await anthropic.json()).toMatchObject({ type: 'error', error: { type: 'api_error' } });
  });

  it('meets a revocation, a new key, a price and a provider within a second', async () => {
    await serve();
    expect(await statusOf('plain')).toBe(200);
    await keys.putKey('plain', { revoked: true });
    await keys.putKey('new');
    const second = await upstreamAnswering();
    await catalog.putProvider('two', second.url);
    await catalog.putModel('test/other', ['two']);
    await catalog.putModel('test/model', ['one'], { pricing: always({ ...prices, output: prices.output * 100 }) });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await statusOf('plain')).toBe(401);
    expect(await statusOf('new', {}, 'test/other')).toBe(200);
    expect(second.requests).toHaveLength(1);
    expect(await statusOf('new')).toBe(200);
    const [before, , after] = edge.usage.map(({ costNanoUsd }) => costNanoUsd);
    expect(after).toBeGreaterThan(before! * 10);
  });

  it('goes where the router says, and on where the router has not looked yet', async () => {
    await serve();
    const second = await upstreamAnswering();
    await catalog.putProvider('two', second.url);
    await catalog.putModel('test/model', ['one', 'two']);
    const one = { provider: 'one', model: 'upstream-model', weight: 1, stateVersion: 1 };
    const routed: RoutedModelV2 = {
      ...{ epoch: 1, version: 1, createdAtMs: Date.now(), model: 'test/model' },
      upstreams: [{ ...one, state: 'open', reason: 'it failed', retryAfterMs: 60_000 }],
    };
    await bus.bucket(BUCKETS.routing).put(bucketKey.model('test/model'), encodeJson(routed));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await post('plain')).headers.get('x-acme-upstream')).toBe('two');
  });

  it('goes to no private address that nobody declared trusted, and fails over to the next', async () => {
    const upstream = await serve();
    await catalog.putProvider('inside', upstream.url, { trustedNetwork: false, tier: 1 });
    await catalog.putModel('test/model', ['inside', 'one']);
    await catalog.putModel('test/inside', ['inside']);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const reply = await post('plain');
    expect(reply.headers.get('x-acme-upstream')).toBe('one');
    expect(reply.headers.get('x-acme-attempts')).toBe('2');
    const refused = await post('plain', {}, 'test/inside');
    expect(refused.status).toBe(502);
    const told = await refused.text();
    expect(JSON.parse(told)).toMatchObject({ error: { code: 'upstream_error' } });
    expect(told).not.toMatch(/127\.0\.0\.1|private/);
    expect(upstream.requests).toHaveLength(1);
  });
});

describe('admission', () => {
  const LIMITED = { limits: { rpm: 5 } };
  const BUDGETED = { budget: { nanoUsd: 1_000_000, period: 'day' as const } };

  it('asks nobody about a key without bounds', async () => {
    await serve();
    edge.limiter.away = true;
    expect(await statusOf('plain')).toBe(200);
    expect(edge.limiter.reserved).toHaveLength(0);
    expect(edge.limiter.settled).toHaveLength(0);
  });

  it('reserves before the upstream is called, and settles once with what the call cost', async () => {
    let reservedBefore = -1;
    await keys.putKey('limited', LIMITED);
    await serve((_, response) => {
      reservedBefore = edge.limiter.reserved.length;
      response.setHeader('content-type', 'application/json').end(CHAT_REPLY);
    });
    const reply = await post('limited');
    await reply.text();
    expect(reservedBefore).toBe(1);
    const requestId = reply.headers.get('x-acme-request-id');
    const bodyBytes = Buffer.byteLength(chatBody('test/model'));
    expect(edge.limiter.reserved).toEqual([
      {
        ...{ requestId, group: 'tenant:acme', startedAtMs: expect.any(Number) },
        scopes: [{ scope: 'key:key_limited', ...LIMITED, budgets: [] }],
        amounts: {
          inputTokens: Math.ceil(bodyBytes / 3),
          outputTokens: { least: 64_000, most: 64_000 },
          nanoUsd: 64_000 * 15_000 + bodyBytes * 3_750,
        },
        intent: {
          ...{ tenantId: 'acme', keyId: 'key_limited', requestedModel: 'test/model', model: 'test/model' },
          ...{ upstream: 'one', clientDialect: 'openai-chat', upstreamDialect: 'openai-chat', stream: false },
          priceVersion: 'v1',
        },
      },
    ]);
    await until(() => edge.limiter.settled.length > 0, 'the settlement');
    const [record] = edge.usage;
    expect(edge.limiter.settled).toEqual([
      {
        ...{ requestId, group: 'tenant:acme', scopes: [{ scope: 'key:key_limited', budgets: [] }] },
        ...{ nanoUsd: record!.costNanoUsd, inputTokens: 10, outputTokens: 5 },
      },
    ]);
    expect(record!.costNanoUsd).toBeGreaterThan(0);
    expect(await exposition()).toContain('switchboard_admissions_total{outcome="admitted"} 1');
  });

  it('is by the tenant’s bounds too', async () => {
    await serve();
    await keys.putTenant(BUDGETED);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await statusOf('plain')).toBe(200);
    expect(edge.limiter.reserved).toMatchObject([
      { scopes: [{ scope: 'tenant:acme', limits: {}, budgets: [{ id: 'budget', ...BUDGETED.budget }] }] },
    ]);
  });

  it.each(['key', 'tenant'])(
    'without a limiter refuses where there is a budget of the %s, before any call',
    async (of) => {
      await keys.putKey('budgeted', of === 'key' ? BUDGETED : {});
      if (of === 'tenant') await keys.putTenant(BUDGETED);
      const upstream = await serve();
      edge.limiter.away = true;
      const reply = await post('budgeted');
      expect(reply.status).toBe(503);
      expect(reply.headers.get('retry-after')).toBe('1');
      expect(await reply.json()).toMatchObject({
        error: { code: 'limiter_unavailable', message: expect.stringContaining('spending') },
      });
      expect((await postAnthropic('budgeted')).status).toBe(503);
      expect(upstream.requests).toHaveLength(0);
      expect(edge.limiter.settled).toHaveLength(0);
      expect(await exposition()).toContain('switchboard_admissions_total{outcome="unavailable_refused"} 2');
      edge.limiter.away = false;
      expect(await statusOf('budgeted')).toBe(200);
    },
  );

  it('without a limiter follows the published policy where there are only rate limits', async () => {
    await keys.putKey('limited', LIMITED);
    await serve();
    edge.limiter.away = true;
    expect(await statusOf('limited')).toBe(200);
    await catalog.putSettings({ limiterUnavailable: 'closed' });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const refused = await post('limited');
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ error: { message: expect.stringContaining('rate limits') } });
    expect(edge.limiter.settled).toHaveLength(0);
    expect(await exposition()).toContain('switchboard_admissions_total{outcome="unavailable_admitted"} 1');
  });

  it('is settled with nothing spent where no upstream took the call', async () => {
    await keys.putKey('limited', LIMITED);
    const upstream = await serve();
    await upstream.close();
    expect(await statusOf('limited')).toBe(502);
    await until(() => edge.limiter.settled.length > 0, 'the settlement');
    expect(edge.limiter.settled).toMatchObject([{ nanoUsd: 0, inputTokens: 0, outputTokens: 0 }]);
  });

  it('of a client that leaves meanwhile is settled with nothing spent, and no upstream is called', async () => {
    await keys.putKey('limited', LIMITED);
    const upstream = await serve();
    let release = (): void => undefined;
    edge.limiter.holdUp = new Promise((resolve) => (release = resolve));
    const leaving = new AbortController();
    const gone = post('limited', { signal: leaving.signal }).catch((error: Error) => error.name);
    await until(() => edge.limiter.reserved.length > 0, 'the reservation');
    leaving.abort();
    expect(await gone).toBe('AbortError');
    await new Promise((resolve) => setTimeout(resolve, 50));
    release();
    await until(() => edge.limiter.settled.length > 0, 'the settlement');
    expect(edge.limiter.settled).toMatchObject([{ nanoUsd: 0 }]);
    expect(upstream.requests).toHaveLength(0);
  });

  it('comes after the gate: what is refused there reserves nothing', async () => {
    await keys.putKey('limited', { ...LIMITED, models: ['other/*'] });
    await serve();
    expect(await statusOf('limited')).toBe(403);
    expect(edge.limiter.reserved).toHaveLength(0);
  });
});

describe('a replica that stops', () => {
  /** A connection of its own, kept alive, one request at a time. */
  async function connection() {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let received = '';
    let ended = false;
    socket.on('data', (bytes: Buffer) => (received += bytes.toString()));
    socket.on('end', () => (ended = true));
    socket.on('error', () => (ended = true));
    await new Promise((resolve) => socket.once('connect', resolve));
    return {
      ended: () => ended,
      send: async (path: string): Promise<string> => {
        received = '';
        socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
        await until(() => received.includes('{"ok":true}'), 'the reply');
        return received.toLowerCase();
      },
      close: () => socket.destroy(),
    };
  }

  async function serveWithGrace(drainGraceMs: number, answer?: Parameters<typeof startUpstream>[0]): Promise<void> {
    const upstream = await upstreamAnswering(...(answer === undefined ? [] : [answer]));
    await catalog.putProvider('one', upstream.url);
    await catalog.putModel('test/model', ['one']);
    await catalog.putSettings();
    edge = startEdge(bus, { drainGraceMs });
    url = `http://127.0.0.1:${await edge.opened}`;
  }

  it('is unready at once, and for its grace serves everybody, asking each to come back elsewhere', async () => {
    await serveWithGrace(400);
    const old = await connection();
    expect(await old.send('/api/hello')).toContain('connection: keep-alive');
    const closing = edge.replica.close();
    expect(await health()).toMatchObject({ 'public-port': expect.stringContaining('draining') });
    expect(await old.send('/api/hello')).toContain('connection: close');
    await until(() => old.ended(), 'the end of the old connection', 300);
    // Newly connected, and an inference.
    expect((await post('plain')).headers.get('connection')).toBe('close');
    await closing;
    await expect(post('plain')).rejects.toThrow();
  });

  it('after its grace still serves a kept connection, so that its next request is not lost', async () => {
    let finish = (): void => undefined;
    await serveWithGrace(200, (_, response: ServerResponse) => {
      finish = () => void response.setHeader('content-type', 'application/json').end(CHAT_REPLY);
    });
    const kept = await connection();
    await kept.send('/api/hello');
    const open = post('plain');
    await until(() => upstreams[0]!.requests.length > 0, 'the call');
    const closing = edge.replica.close();
    await new Promise((resolve) => setTimeout(resolve, 500));
    await expect(fetch(`${url}/api/hello`)).rejects.toThrow();
    expect(kept.ended()).toBe(false);
    expect(await kept.send('/api/hello')).toContain('connection: close');
    finish();
    const reply = await open;
    expect([reply.status, reply.headers.get('connection')]).toEqual([200, 'close']);
    await closing;
    expect(edge.usage).toHaveLength(1);
  });

  it('cut short, it ends the replies it waits for, in their own dialect, and they are recorded', async () => {
    await serveWithGrace(0, () => undefined);
    const open = post('plain');
    await until(() => upstreams[0]!.requests.length > 0, 'the call');
    const closing = edge.replica.close();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(edge.usage).toHaveLength(0);
    const toldAt = performance.now();
    edge.replica.cutShort();
    const reply = await open;
    // Left alone, it would have waited for 5 s.
    expect(performance.now() - toldAt).toBeLessThan(3_000);
    expect(reply.status).toBe(503);
    expect(await reply.json()).toMatchObject({ error: { code: 'shutting_down' } });
    await closing;
    expect(edge.usage).toHaveLength(1);
  });

  /** Gives each new connection to the first of these that is ready, and leaves those it has where they are. */
  async function balance(edges: { edge: Edge; port: number }[]): Promise<{ url: string; close: () => void }> {
    const balancer = createServer((client) => {
      const readiness = edges.map(({ edge: { replica } }) => Promise.all(replica.health.map(({ check }) => check())));
      void Promise.allSettled(readiness).then((outcomes) => {
        const ready = outcomes.findIndex(({ status }) => status === 'fulfilled');
        const target = connect(edges[ready]!.port, '127.0.0.1');
        pipeline(client, target, client, () => undefined);
      });
    });
    await new Promise<void>((resolve) => balancer.listen(0, '127.0.0.1', resolve));
    return { url: `http://127.0.0.1:${(balancer.address() as AddressInfo).port}`, close: () => balancer.close() };
  }

  it('behind a balancer loses no request of clients that keep their connections and never stop asking', async () => {
    await serveWithGrace(300);
    const next = startEdge(bus);
    const balancer = await balance([
      { edge, port: Number(new URL(url).port) },
      { edge: next, port: (await next.opened)! },
    ]);
    url = balancer.url;
    const failures: string[] = [];
    let [served, stopped] = [0, false];
    const client = async (pauseMs: number): Promise<void> => {
      while (!stopped) {
        try {
          const reply = await post('plain');
          await reply.text();
          if (reply.status === 200) served++;
          else failures.push(String(reply.status));
        } catch (error) {
          failures.push(String((error as Error).cause));
        }
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    };
    const clients = Promise.all(Array.from({ length: 20 }, (_, index) => client(index * 3)));
    try {
      await until(() => served > 100, 'some traffic');
      await edge.replica.close();
      const before = served;
      await until(() => served > before + 100, 'traffic at the other');
    } finally {
      stopped = true;
      await clients;
      await next.replica.close();
      balancer.close();
    }
    expect(failures).toEqual([]);
  }, 30_000);

  it('waits a moment and no longer for connections that are idle, or never spoke', async () => {
    await serveWithGrace(50);
    const [spoke, silentOne] = [await connection(), await connection()];
    await spoke.send('/api/hello');
    const startedMs = performance.now();
    await edge.replica.close();
    expect(performance.now() - startedMs).toBeLessThan(4_000);
    await until(() => spoke.ended() && silentOne.ended(), 'their end');
  });
});
