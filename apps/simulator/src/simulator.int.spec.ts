import { request as httpRequest } from 'node:http';
import { gzipSync } from 'node:zlib';
import { startSimulator, type RunningSimulator, type Served, type ServedRequest } from './index';

let simulator: RunningSimulator;
beforeAll(async () => {
  simulator = await startSimulator();
});
afterAll(() => simulator.close());
beforeEach(() => simulator.reset());

const MESSAGES = [{ role: 'user', content: 'hello' }];

interface Call {
  path?: string;
  headers?: Record<string, string>;
  body?: unknown;
  model?: string;
  stream?: boolean;
  signal?: AbortSignal;
}

function post({ path = '/v1/messages', headers, body, model = 'sim-any', stream = false, signal }: Call = {}) {
  const payload = body ?? { model, stream, max_tokens: 1000, messages: MESSAGES };
  return fetch(simulator.url + path, {
    method: 'POST',
    headers: { 'x-api-key': 'k', 'anthropic-version': '2023-06-01', ...headers },
    body: typeof payload === 'string' ? payload : JSON.stringify(payload),
    ...(signal ? { signal } : {}),
  });
}

async function settled(): Promise<ServedRequest> {
  for (let tries = 0; tries < 200; tries += 1) {
    const last = simulator.served().requests.at(-1);
    if (last && last.outcome !== 'active') return last;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error('The request did not end');
}

describe('what was served', () => {
  it('equals the usage reported, under the request id that came in, in both dialects', async () => {
    const model = 'sim-any;input_tokens=10;cache_read_tokens=20;cache_write_tokens=5;output_tokens=7';
    const one = await post({ model, headers: { 'x-request-id': 'req-1' } });
    expect(one.headers.get('request-id')).toBe('req-1');
    expect(await one.json()).toMatchObject({
      usage: { input_tokens: 10, cache_read_input_tokens: 20, cache_creation_input_tokens: 5, output_tokens: 7 },
    });
    const two = await post({ model, path: '/v1/chat/completions', headers: { 'x-sim-request-id': 'req-2' } });
    expect(await two.json()).toMatchObject({
      usage: { prompt_tokens: 35, completion_tokens: 7, prompt_tokens_details: { cached_tokens: 20 } },
    });
    const tokens = { input_tokens: 10, cache_read_tokens: 20, cache_write_tokens: 5, output_tokens: 7 };
    const served = (await (await fetch(`${simulator.url}/__served`)).json()) as Served;
    expect(served.requests).toMatchObject([
      { request_id: 'req-1', outcome: 'completed', ...tokens },
      { request_id: 'req-2', outcome: 'completed', ...tokens },
    ]);
    expect(served.totals).toMatchObject({ requests: 2, input_tokens: 20, output_tokens: 14 });
  });

  it('is less than the whole when the client leaves a stream, and is what had been sent', async () => {
    const leave = new AbortController();
    const model = 'sim-any;chunks=50;chunk_delay_ms=20;output_tokens=100';
    const response = await post({ model, stream: true, signal: leave.signal });
    let read = '';
    await expect(
      (async () => {
        for await (const part of response.body ?? []) {
          read += Buffer.from(part).toString();
          if (read.split('text_delta').length > 5) leave.abort();
        }
      })(),
    ).rejects.toThrow('abort');
    const record = await settled();
    expect(record.outcome).toBe('aborted');
    expect(record.output_tokens).toBeGreaterThanOrEqual(8);
    expect(record.output_tokens).toBeLessThan(40);
  });

  it('stops sending to a client that does not read, and notices when it leaves', async () => {
    const model = 'sim-any;chunks=4000;chunk_bytes=4000;output_tokens=4000';
    const body = JSON.stringify({ model, stream: true, max_tokens: 9000, messages: MESSAGES });
    const slow = httpRequest(`${simulator.url}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': 'k', 'anthropic-version': '2023-06-01' },
    });
    slow.on('error', () => undefined);
    const answered = new Promise<void>((resolve) => slow.on('response', (response) => response.pause() && resolve()));
    slow.end(body);
    await answered;
    await new Promise((resolve) => setTimeout(resolve, 150));
    const sent = simulator.served().requests[0]?.output_tokens ?? 0;
    expect(sent).toBeGreaterThan(0);
    expect(sent).toBeLessThan(3500);
    slow.destroy();
    expect(await settled()).toMatchObject({ outcome: 'aborted' });
  });

  it('records refusals with no tokens', async () => {
    await post({ body: '{' });
    expect(await settled()).toMatchObject({ outcome: 'refused', status: 400, input_tokens: 0, output_tokens: 0 });
  });
});

describe('what was received', () => {
  it('shows headers and body as they came, credentials masked', async () => {
    await post({ headers: { authorization: 'Bearer sk-very-secret-credential-1234', 'anthropic-beta': 'some-beta' } });
    const last = (await (await fetch(`${simulator.url}/__last?n=1`)).json()) as { requests: unknown[] };
    expect(last.requests).toMatchObject([
      {
        method: 'POST',
        path: '/v1/messages',
        headers: { 'anthropic-beta': 'some-beta', authorization: 'Bearer ***1234', 'x-api-key': '***' },
        body: { model: 'sim-any', messages: MESSAGES },
      },
    ]);
    expect(JSON.stringify(last)).not.toContain('very-secret');
  });

  it('takes gzip bodies', async () => {
    const response = await fetch(`${simulator.url}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': 'k', 'anthropic-version': '2023-06-01', 'content-encoding': 'gzip' },
      body: gzipSync(JSON.stringify({ model: 'm', max_tokens: 9, messages: MESSAGES })),
    });
    expect(response.status).toBe(200);
  });
});

describe('faults', () => {
  it('fails the first K requests of a scenario, then succeeds, and forgets on reset', async () => {
    const model = 'sim-any;fail_first=2;status=429;retry_after=1;scenario=a';
    const statuses = async () => [
      (await post({ model })).status,
      (await post({ model })).status,
      (await post({ model })).status,
    ];
    expect(await statuses()).toEqual([429, 429, 200]);
    expect((await post({ model: model.replace('=a', '=b') })).headers.get('retry-after')).toBe('1');
    await fetch(`${simulator.url}/__reset`, { method: 'POST' });
    expect(await statuses()).toEqual([429, 429, 200]);
  });

  it.each([
    ['/v1/messages', 529, 'overloaded_error'],
    ['/v1/messages', 404, 'not_found_error'],
    ['/v1/chat/completions', 429, 'requests'],
    ['/v1/chat/completions', 503, 'server_error'],
  ])('answers on %s with status %i as %s', async (path, status, type) => {
    const response = await post({ path, model: `sim-any;status=${status}` });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { type } });
  });

  it('closes a truncated stream cleanly or by reset, and bills what was sent', async () => {
    const clean = await post({ model: 'sim-any;truncate=2;chunks=4;output_tokens=40', stream: true });
    const text = await clean.text();
    expect(text.split('text_delta')).toHaveLength(3);
    expect(text).not.toContain('message_stop');
    expect(await settled()).toMatchObject({ outcome: 'broken', output_tokens: 20 });
    for (const how of ['reset', 'close']) {
      const broken = await post({ model: `sim-any;truncate=2,${how}`, stream: true });
      await expect(broken.text()).rejects.toThrow();
      expect(await settled()).toMatchObject({ outcome: 'broken' });
    }
  });

  it.each([
    ['/v1/messages', /text_delta[\s\S]*event: error\ndata: {"type":"error","error":{"type":"overloaded_error"/],
    ['/v1/chat/completions', /content[\s\S]*data: {"error":{"message":"[^"]+","type":"server_error"/],
  ])('puts an error into the stream of %s and nothing after it', async (path, expected) => {
    const text = await (await post({ path, model: 'sim-any;mid_stream_error=2', stream: true })).text();
    expect(text).toMatch(expected);
    expect(text).not.toMatch(/message_stop|\[DONE\]/);
  });

  it('garbles exactly the chunk asked for', async () => {
    const text = await (await post({ model: 'sim-any;malformed=2;chunks=4', stream: true })).text();
    const payloads = text.split('\n').filter((line) => line.startsWith('data: '));
    const broken = payloads.filter((line) => {
      try {
        return JSON.parse(line.slice(6)) === undefined;
      } catch {
        return true;
      }
    });
    expect(broken).toHaveLength(1);
    expect(text).toContain('message_stop');
  });

  it.each(['hang', 'stall=1', 'first_token_ms=60000'])('%s keeps the client waiting until it leaves', async (fault) => {
    const leaving = post({ model: `sim-any;${fault}`, stream: true, signal: AbortSignal.timeout(80) });
    await expect(leaving.then((response) => response.text())).rejects.toThrow('aborted');
    expect(await settled()).toMatchObject({ outcome: 'aborted' });
  });

  it('drops the connection before any byte', async () => {
    await expect(post({ model: 'sim-any;drop' })).rejects.toThrow('fetch failed');
    expect(await settled()).toMatchObject({ outcome: 'broken', input_tokens: 0 });
  });

  it('cuts or garbles a body that is not streamed', async () => {
    await expect((await post({ model: 'sim-any;truncate' })).text()).rejects.toThrow();
    await expect((await post({ model: 'sim-any;malformed' })).json()).rejects.toThrow('JSON');
  });

  it.each(['split=1', 'split=7', 'coalesce', 'chunk_delay_ms=0'])(
    '%s changes the writes, not the bytes',
    async (setting) => {
      const ask = async (headers: Record<string, string>) => (await post({ stream: true, headers })).text();
      const [name = '', value = '1'] = setting.split('=');
      expect(await ask({ [`x-sim-${name.replaceAll('_', '-')}`]: value })).toBe(await ask({}));
    },
  );

  it('answers gzip when asked', async () => {
    const response = await post({ model: 'sim-any;gzip' });
    expect(response.headers.get('content-encoding')).toBe('gzip');
    expect(await response.json()).toMatchObject({ type: 'message' });
  });

  it('leaves usage out when asked, and still knows it', async () => {
    expect(await (await post({ model: 'sim-any;no_usage', stream: true })).text()).not.toContain('"usage"');
    expect((await settled()).output_tokens).toBeGreaterThan(0);
  });
});

describe('the behaviour of the process', () => {
  const behave = (query: string) => fetch(`${simulator.url}/__behaviour${query}`, { method: 'POST' });
  afterEach(() => behave(''));

  it('is that of every request until it is taken back, those it has answered before included', async () => {
    expect((await post()).status).toBe(200);
    expect((await behave('?status=429&retry_after=5')).status).toBe(200);
    const limited = await post();
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '5']);
    await behave('?malformed');
    await expect((await post()).json()).rejects.toThrow('JSON');
    await behave('');
    expect((await post()).status).toBe(200);
  });

  it('stays as it was where it is told something unknown', async () => {
    const refused = await behave('?statuz=500');
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining('statuz')]);
    expect((await post()).status).toBe(200);
  });
});

it('delays each reply by another part of its jitter', async () => {
  const tookMs = async (): Promise<number> => {
    const startedMs = performance.now();
    await (await post({ model: 'sim-any;first_token_jitter_ms=100' })).text();
    return performance.now() - startedMs;
  };
  const [one, two, three] = [await tookMs(), await tookMs(), await tookMs()];
  // 0.62, 0.24 and 0.85 of 100 ms.
  expect(one).toBeGreaterThan(50);
  expect(two).toBeGreaterThan(20);
  expect(three).toBeGreaterThan(75);
});

it('answers unknown paths in the dialect of the caller', async () => {
  const anthropic = await fetch(`${simulator.url}/v1/nothing`, { headers: { 'x-api-key': 'k' } });
  expect([anthropic.status, await anthropic.json()]).toMatchObject([
    404,
    { type: 'error', error: { type: 'not_found_error' } },
  ]);
  const openai = await fetch(`${simulator.url}/v1/nothing`, { headers: { authorization: 'Bearer k' } });
  expect([openai.status, await openai.json()]).toMatchObject([404, { error: { type: 'invalid_request_error' } }]);
});
