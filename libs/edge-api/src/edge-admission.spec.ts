import type { RateStates } from '@switchboard/contracts';
import { always, prices } from './core/__fixtures__/candidate';
import { until } from './__fixtures__/keys-bucket';
import { bodyOf, ServedEdge, type ServedEdgeOptions } from './__fixtures__/served-edge';
import { anthropic, chat, UpstreamStream } from './__fixtures__/streams';

const USD = 1e9;
const LIMITED = { limits: { rpm: 60, itpm: 40_000, otpm: 8_000 } };
const BUDGETED = { budget: { nanoUsd: 25 * USD, period: 'day' as const } };

const RATES: RateStates = {
  requests: { limit: 60, remaining: 59, resetMs: 1_000 },
  inputTokens: { limit: 40_000, remaining: 30_000, resetMs: 15_000 },
  outputTokens: { limit: 8_000, remaining: 2_000, resetMs: 45_000 },
};

let served: ServedEdge;
afterEach(() => served.close());

async function serve(options: ServedEdgeOptions = {}): Promise<void> {
  served = await ServedEdge.start({ keys: { limited: LIMITED, budgeted: BUDGETED, plain: {} }, ...options });
  served.limiter.rates = RATES;
}

/** Headers about limits, under whatever name. */
const limitsIn = ({ headers }: Response): Record<string, string> =>
  Object.fromEntries([...headers].filter(([name]) => name.includes('ratelimit')));

const OPENAI_LIMITS = {
  'x-ratelimit-limit-requests': '60',
  'x-ratelimit-remaining-requests': '59',
  'x-ratelimit-reset-requests': '1s',
  'x-ratelimit-limit-tokens': '8000',
  'x-ratelimit-remaining-tokens': '2000',
  'x-ratelimit-reset-tokens': '45s',
};
const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as string;
const ANTHROPIC_LIMITS = {
  'anthropic-ratelimit-requests-limit': '60',
  'anthropic-ratelimit-requests-remaining': '59',
  'anthropic-ratelimit-requests-reset': TIME,
  'anthropic-ratelimit-input-tokens-limit': '40000',
  'anthropic-ratelimit-input-tokens-remaining': '30000',
  'anthropic-ratelimit-input-tokens-reset': TIME,
  'anthropic-ratelimit-output-tokens-limit': '8000',
  'anthropic-ratelimit-output-tokens-remaining': '2000',
  'anthropic-ratelimit-output-tokens-reset': TIME,
  'anthropic-ratelimit-tokens-limit': '8000',
  'anthropic-ratelimit-tokens-remaining': '2000',
  'anthropic-ratelimit-tokens-reset': TIME,
};
const CLIENTS = [
  ['anthropic', ANTHROPIC_LIMITS],
  ['openai', OPENAI_LIMITS],
] as const;

describe.each(CLIENTS)('the limits of a key, told to a client of %s,', (dialect, limits) => {
  it.each(['anthropic-compatible', 'openai-compatible'] as const)('are on a reply that %s served', async (kind) => {
    await serve({ kind });
    const reply = await served.post(dialect, 'limited');
    expect([reply.status, limitsIn(reply)]).toEqual([200, limits]);
  });

  it.each(['anthropic-compatible', 'openai-compatible'] as const)('are on a stream that %s served', async (kind) => {
    const stream = new UpstreamStream();
    await serve({ kind, answer: stream.answer });
    const reply = served.post(dialect, 'limited', { stream: true });
    if (kind === 'openai-compatible') await stream.send(chat.delta('Hi'), chat.end({ prompt_tokens: 1 }));
    else await stream.send(anthropic.start(10), anthropic.delta('Hi'), anthropic.end(2));
    stream.end();
    expect([(await reply).status, limitsIn(await reply)]).toEqual([200, limits]);
    await (await reply).text();
  });

  it('are on a refusal, for limits or for money', async () => {
    await serve();
    served.limiter.denial = { scope: 'key:key_limited', reason: 'inputTokens', retryAfterMs: 1_500, limit: 40_000 };
    const limited = await served.post(dialect, 'limited');
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '2']);
    expect(limitsIn(limited)).toEqual(limits);
    served.limiter.denial = { scope: 'key:key_budgeted', reason: 'budget' };
    const budgeted = await served.post(dialect, 'budgeted');
    expect([budgeted.status, budgeted.headers.get('retry-after')]).toEqual([402, null]);
    expect([limitsIn(budgeted), budgeted.headers.get('x-should-retry')]).toEqual([limits, 'false']);
    expect(served.upstream.requests).toHaveLength(0);
    expect(served.limiter.settled).toHaveLength(0);
  });

  it('are on an error of the upstreams', async () => {
    await serve({ answer: (_, response) => void response.writeHead(500).end('{}') });
    const reply = await served.post(dialect, 'limited');
    expect([reply.status, limitsIn(reply)]).toEqual([502, limits]);
  });

  it('are on none of a key without limits', async () => {
    await serve();
    const reply = await served.post(dialect, 'plain');
    expect([reply.status, limitsIn(reply)]).toEqual([200, {}]);
  });

  it('are not those that the upstream tells of its own account', async () => {
    await serve({
      answer: (_, response) => {
        for (const name of Object.keys(limits)) response.setHeader(name, '1');
        response.writeHead(400).end('{"error":{"message":"no"}}');
      },
    });
    const reply = await served.post(dialect, 'limited');
    expect([reply.status, limitsIn(reply)]).toEqual([400, limits]);
  });
});

describe('a call that is not paid for', () => {
  const budget = {
    ...{ id: 'budget' as const, nanoUsd: 25 * USD, period: 'day' as const, periodStartMs: Date.now() },
    ...{ spentNanoUsd: 25 * USD, heldNanoUsd: 0 },
  };

  it('is refused with 402 in words that clients know', async () => {
    await serve();
    served.limiter.denial = { scope: 'key:key_budgeted', reason: 'budget', budget };
    expect(await (await served.post('openai', 'budgeted')).json()).toMatchObject({
      error: {
        ...{ type: 'insufficient_quota', code: 'budget_exceeded', param: null },
        message: expect.stringContaining('The budget ($25.00 per day) of this API key is used up.'),
      },
    });
    served.limiter.denial = { scope: 'tenant:acme', reason: 'credits', budget: { ...budget, id: 'credits' } };
    expect(await (await served.post('anthropic', 'budgeted')).json()).toMatchObject({
      type: 'error',
      error: { type: 'invalid_request_error', message: expect.stringMatching(/^Your credit balance is too low/) },
    });
  });

  it('is told to come again where money is only set aside for others', async () => {
    await serve();
    served.limiter.denial = { scope: 'key:key_budgeted', reason: 'held', retryAfterMs: 250, budget };
    const reply = await served.post('openai', 'budgeted');
    expect([reply.status, reply.headers.get('retry-after')]).toEqual([429, '1']);
    expect(await reply.json()).toMatchObject({ error: { code: 'budget_held' } });
  });
});

describe('a key that has used up its requests', () => {
  const denial = (retryAfterMs: number) => ({
    ...{ scope: 'key:key_limited', reason: 'requests' as const, retryAfterMs, limit: 60 },
  });

  it('is refused again without asking until one is back, and is asked for then', async () => {
    await serve();
    const rates = { requests: { limit: 60, remaining: 0, resetMs: 60_000 } };
    Object.assign(served.limiter, { rates, denial: denial(400) });
    const first = await served.post('openai', 'limited');
    expect([first.status, first.headers.get('x-ratelimit-reset-requests')]).toEqual([429, '1m0s']);
    await new Promise((resolve) => setTimeout(resolve, 150));
    for (const dialect of ['openai', 'anthropic'] as const) {
      const again = await served.post(dialect, 'limited');
      expect([again.status, again.headers.get('retry-after')]).toEqual([429, '1']);
    }
    const told = await served.post('openai', 'limited');
    expect(told.headers.get('x-ratelimit-reset-requests')).toMatch(/^59\.[5-9]s$/);
    expect(told.headers.get('x-ratelimit-remaining-requests')).toBe('0');
    expect(served.limiter.reserved).toHaveLength(1);
    served.limiter.denial = undefined;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await served.post('openai', 'limited')).status).toBe(200);
    expect(served.limiter.reserved).toHaveLength(2);
  });

  it('is asked for at once when its limits change', async () => {
    await serve();
    served.limiter.denial = denial(60_000);
    expect((await served.post('openai', 'limited')).status).toBe(429);
    served.limiter.denial = undefined;
    await served.keys.putKey('limited', { limits: { rpm: 600 } });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await served.post('openai', 'limited')).status).toBe(200);
  });

  it.each([
    ['what was used up is the tenant’s', { scope: 'tenant:acme', reason: 'requests' as const }],
    ['other limits give back what a call did not use', { scope: 'key:key_limited', reason: 'outputTokens' as const }],
    ['a call at a time ends', { scope: 'key:key_limited', reason: 'concurrency' as const }],
  ])('is the only one for which nobody is asked: %s', async (_, met) => {
    await serve();
    served.limiter.denial = { ...met, retryAfterMs: 60_000, limit: 1 };
    expect((await served.post('openai', 'limited')).status).toBe(429);
    served.limiter.denial = undefined;
    expect((await served.post('openai', 'limited')).status).toBe(200);
  });
});

describe('a cap on the output that was granted', () => {
  it.each([
    ['openai', 'openai-compatible', { max_tokens: 50_000 }, { max_tokens: 700 }],
    ['openai', 'openai', {}, { max_completion_tokens: 700 }],
    ['openai', 'openai-compatible', { n: 2, max_tokens: 50_000 }, { n: 2, max_tokens: 350 }],
    ['anthropic', 'anthropic-compatible', { max_tokens: 50_000 }, { max_tokens: 700 }],
    ['anthropic', 'openai-compatible', { max_tokens: 50_000 }, { max_tokens: 700 }],
    ['openai', 'anthropic-compatible', { max_tokens: 50_000 }, { max_tokens: 700 }],
  ] as const)('reaches the upstream: %s by %s, %j', async (dialect, kind, asked, capped) => {
    await serve({ kind });
    served.limiter.outputTokensMost = 700;
    const reply = await served.post(dialect, 'limited', asked);
    expect(reply.status).toBe(200);
    const [body] = served.upstream.bodies;
    const sent = { ...body, max_tokens: body?.['max_tokens'] ?? body?.['max_completion_tokens'] };
    expect(sent).toMatchObject({ max_tokens: Object.values(capped).at(-1) });
    expect(served.limiter.reserved).toMatchObject([{ amounts: { outputTokens: { least: 4_000, most: 8_000 } } }]);
  });

  it('is none where all of it was granted', async () => {
    await serve();
    await served.post('openai', 'budgeted');
    expect(served.upstream.bodies[0]).not.toHaveProperty('max_tokens');
  });
});

describe('what is set aside', () => {
  it('is for the larger of two maxima, since some servers know one name only', async () => {
    await serve();
    await served.post('openai', 'budgeted', { max_completion_tokens: 1, max_tokens: 50_000 });
    await served.post('openai', 'budgeted', { max_completion_tokens: 50_000, max_tokens: null });
    await served.post('openai', 'budgeted', { max_completion_tokens: 50_000, max_tokens: 1 });
    for (const { amounts } of served.limiter.reserved) {
      expect(amounts.outputTokens).toEqual({ least: 50_000, most: 50_000 });
    }
  });

  it('is for the models that are tried, and no other is tried', async () => {
    await serve({ answer: (_, response) => void response.writeHead(500).end('{}') });
    for (const id of ['a', 'b', 'c', 'd']) {
      await served.catalog.putModel(`test/${id}`, ['one'], { pricing: always({ ...prices, output: 90_000_000 }) });
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
    const reply = await served.post('openai', 'budgeted', { model: 'auto', max_tokens: 100 });
    expect([reply.status, reply.headers.get('x-acme-attempts')]).toEqual([502, '3']);
    const inputTokens = Buffer.byteLength(bodyOf('openai', { model: 'auto', max_tokens: 100 }));
    expect(served.limiter.reserved).toMatchObject([{ amounts: { nanoUsd: inputTokens * 3_750 + 100 * 90_000 } }]);
  });
});

describe('what was reserved is settled once, with nothing spent,', () => {
  async function settledWithNothing(): Promise<void> {
    await until(() => served.limiter.settled.length > 0, 'the settlement');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(served.limiter.settled).toMatchObject([{ nanoUsd: 0, inputTokens: 0, outputTokens: 0 }]);
  }

  it('where the translation loses what the client will not have lost', async () => {
    await serve({ kind: 'anthropic-compatible' });
    const reply = await served.post(
      'openai',
      'budgeted',
      { seed: 1 },
      {
        headers: { 'x-api-key': 'budgeted', 'x-acme-translation': 'strict' },
      },
    );
    expect(reply.status).toBe(400);
    await settledWithNothing();
  });

  it('where the upstream refuses the request', async () => {
    await serve({ answer: (_, response) => void response.writeHead(400).end('{"error":{"message":"no"}}') });
    expect((await served.post('openai', 'budgeted')).status).toBe(400);
    await settledWithNothing();
  });
});

describe('a call whose client leaves', () => {
  it('is settled with an estimate that costs no more than was set aside, whatever its bytes', async () => {
    await serve({ answer: () => undefined });
    const leaving = new AbortController();
    const source = { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo'.repeat(60_000) };
    const messages = [{ role: 'user', content: [{ type: 'image', source }] }];
    const gone = served
      .post(
        'anthropic',
        'budgeted',
        { messages },
        {
          ...{ headers: { 'x-api-key': 'budgeted' }, signal: leaving.signal },
        },
      )
      .catch((error: Error) => error.name);
    await until(() => served.upstream.bodies.length > 0, 'the call');
    leaving.abort();
    expect(await gone).toBe('AbortError');
    await until(() => served.limiter.settled.length > 0, 'the settlement');
    const [reserved] = served.limiter.reserved;
    const [settled] = served.limiter.settled;
    expect(settled!.nanoUsd).toBeGreaterThan(0);
    expect(settled!.nanoUsd).toBeLessThanOrEqual(reserved!.amounts.nanoUsd);
    expect(settled!.inputTokens).toBeLessThan(2_000);
    expect(served.usage).toMatchObject([{ finish: 'disconnected', costNanoUsd: settled!.nanoUsd }]);
  });
});

describe('a replica that stops while a call is being admitted', () => {
  let release: () => void;

  async function admitting(): Promise<{ reply: Promise<Response | string>; leave: () => void }> {
    await serve();
    served.limiter.holdUp = new Promise((resolve) => (release = resolve));
    const leaving = new AbortController();
    const reply = served
      .post(
        'openai',
        'budgeted',
        {},
        {
          ...{ headers: { 'x-api-key': 'budgeted' }, body: bodyOf('openai'), signal: leaving.signal },
        },
      )
      .catch((error: Error) => error.name);
    await until(() => served.limiter.reserved.length > 0, 'the question');
    return { reply, leave: () => leaving.abort() };
  }

  it('begins no call at an upstream once its time to drain is over, and settles', async () => {
    const { reply } = await admitting();
    const { replica } = served.edge;
    const closing = replica.close();
    replica.cutShort();
    await new Promise((resolve) => setTimeout(resolve, 200));
    release();
    const told = (await reply) as Response;
    expect(told.status).toBe(503);
    expect(await told.json()).toMatchObject({ error: { code: 'shutting_down' } });
    await closing;
    expect(served.upstream.requests).toHaveLength(0);
    expect(served.limiter.settled).toMatchObject([{ nanoUsd: 0 }]);
  });

  it('is not closed before the limiter has answered and the call is settled, though its client left', async () => {
    const { reply, leave } = await admitting();
    leave();
    expect(await reply).toBe('AbortError');
    let closed = false;
    const closing = served.edge.replica.close().then(() => (closed = true));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(closed).toBe(false);
    release();
    await closing;
    expect(served.limiter.settled).toMatchObject([{ nanoUsd: 0 }]);
    expect(served.upstream.requests).toHaveLength(0);
  });
});
