import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { until } from './__fixtures__/keys-bucket';
import { bodyOf, ServedEdge, type ClientDialect } from './__fixtures__/served-edge';
import { anthropic, chat, ReadStream, UpstreamStream } from './__fixtures__/streams';

const BUDGETED = { budget: { nanoUsd: 25e9, period: 'day' as const } };
/** Nano-USD per token, of `test/model`. */
const [INPUT, OUTPUT] = [3_000, 15_000];
/** Of one step: 512 output tokens. */
const STEP = 512 * OUTPUT;
const MAX_TOKENS = 400;
const ASKED = { stream: true, max_tokens: MAX_TOKENS };

/** What an upstream's stream is like, so that it costs more than was set aside. */
interface Overspending {
  kind: 'anthropic-compatible' | 'openai-compatible';
  /** Its input alone costs more than that already, or it writes more than it may. */
  begin: string[];
  more: string;
  end: string;
}

const DEAR_INPUT = 10_000;
const byAnthropic: Overspending = {
  kind: 'anthropic-compatible',
  begin: [anthropic.start(DEAR_INPUT), anthropic.delta('begun')],
  more: anthropic.delta(' and more'),
  end: anthropic.end(7),
};
const byChat: Overspending = {
  kind: 'openai-compatible',
  begin: [chat.start(), chat.delta(`begun${'.'.repeat(MAX_TOKENS * 30)}`)],
  more: chat.delta(' and more'),
  end: chat.end({ prompt_tokens: 20, completion_tokens: 3_000 }),
};
/** One that tells its usage with every chunk. */
const byTellingChat: Overspending = {
  ...byChat,
  begin: [chat.start(), chat.delta('begun', { prompt_tokens: DEAR_INPUT, completion_tokens: 1 })],
};

let served: ServedEdge;
let stream: UpstreamStream;
afterEach(() => served.close());

async function serve({ kind }: Overspending, model: Parameters<typeof ServedEdge.start>[0] = {}): Promise<void> {
  stream = new UpstreamStream();
  served = await ServedEdge.start({ kind, answer: stream.answer, keys: { budgeted: BUDGETED }, ...model });
}

/** A stream that has begun, as far as its client got it. */
async function begun(dialect: ClientDialect, upstream: Overspending, more: object = {}): Promise<ReadStream> {
  const reply = served.post(dialect, 'budgeted', { ...ASKED, ...more });
  await stream.send(...upstream.begin);
  const read = new ReadStream(await reply);
  await until(() => read.text.includes('begun'), 'the beginning');
  return read;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
/** Set aside for the only call before it began. */
const reserved = (): number => served.limiter.reserved[0]?.amounts.nanoUsd ?? 0;
const settled = () => until(() => served.limiter.settled.length > 0, 'the settlement');

const UPSTREAMS = { Anthropic: byAnthropic, Chat: byChat };
const PATHS = [
  ['anthropic', 'Anthropic'],
  ['anthropic', 'Chat'],
  ['openai', 'Chat'],
  ['openai', 'Anthropic'],
] as const;

describe.each(PATHS)(
  'a stream to a client of %s by an upstream of %s that costs more than was set aside',
  (dialect, by) => {
    const upstream = UPSTREAMS[by];

    it('asks for more, is paused until the answer has come, and then goes on step by step to its own end', async () => {
      await serve(upstream);
      let release = (): void => undefined;
      served.limiter.holdUpExtension = new Promise((resolve) => (release = resolve));
      const read = await begun(dialect, upstream);
      await until(() => served.limiter.extended.length > 0, 'the question');
      await stream.send(upstream.more);
      await pause(100);
      expect(read.text).not.toContain('and more');
      expect(served.limiter.extended).toEqual([
        {
          ...{ requestId: served.limiter.reserved[0]?.requestId, group: 'tenant:acme', nanoUsd: STEP },
          scopes: [{ scope: 'key:key_budgeted', budgets: ['budget'] }],
        },
      ]);
      release();
      await until(() => read.text.includes('and more'), 'the rest');
      await stream.send(upstream.end);
      stream.end();
      await until(() => read.ended, 'the end');
      expect(read.text).not.toContain('stopped');
      expect(read.text).toContain(dialect === 'anthropic' ? '"stop_reason":"end_turn"' : '"finish_reason":"stop"');
      expect(served.limiter.extended.length).toBeGreaterThan(1);
      await settled();
      const [record] = served.usage;
      expect(served.limiter.settled).toMatchObject([{ nanoUsd: record!.costNanoUsd }]);
      expect(record).toMatchObject({ finish: 'stop', accuracy: 'exact' });
      const heldNanoUsd = reserved() + served.limiter.extended.length * STEP;
      expect(record!.costNanoUsd).toBeLessThanOrEqual(heldNanoUsd);
      expect(stream.cancelled).toBe(false);
    });

    it('ends at its length where there is no more, for no more than was set aside', async () => {
      await serve(upstream);
      served.limiter.extensionsMost = 2;
      const read = await begun(dialect, upstream);
      await until(() => read.ended, 'the end');
      expect(read.text).toContain('\n: x-acme-stopped: budget_exceeded\n');
      expect(read.text).toContain(dialect === 'anthropic' ? '"stop_reason":"max_tokens"' : '"finish_reason":"length"');
      expect(read.text).toMatch(dialect === 'anthropic' ? /event: message_stop\n.*\n\n$/ : /data: \[DONE\]\n\n$/);
      await until(() => stream.cancelled, 'the cancellation');
      await settled();
      await pause(50);
      expect(served.limiter.extended).toHaveLength(3);
      const heldNanoUsd = reserved() + 2 * STEP;
      expect(served.usage).toMatchObject([{ finish: 'budget_exceeded', status: 200, accuracy: 'estimated' }]);
      const [record] = served.usage;
      expect(record!.costNanoUsd).toBeLessThanOrEqual(heldNanoUsd);
      expect(record!.costNanoUsd).toBeGreaterThan(0);
      expect(served.limiter.settled).toMatchObject([{ nanoUsd: record!.costNanoUsd }]);
    });

    it('is settled once where its client leaves while it is paused', async () => {
      await serve(upstream);
      let release = (): void => undefined;
      served.limiter.holdUpExtension = new Promise((resolve) => (release = resolve));
      const leaving = new AbortController();
      const reply = served.post(dialect, 'budgeted', ASKED, {
        ...{ headers: { 'x-api-key': 'budgeted' }, signal: leaving.signal },
        body: bodyOf(dialect, ASKED),
      });
      await stream.send(...upstream.begin);
      await (await reply).body?.getReader().read();
      await until(() => served.limiter.extended.length > 0, 'the question');
      leaving.abort();
      await settled();
      release();
      await until(() => stream.cancelled, 'the cancellation');
      await pause(50);
      const [record] = served.usage;
      expect(record).toMatchObject({ finish: 'disconnected' });
      expect(served.usage).toHaveLength(1);
      expect(record!.costNanoUsd).toBeLessThanOrEqual(reserved());
      expect(served.limiter.settled).toMatchObject([{ nanoUsd: record!.costNanoUsd }]);
    });
  },
);

describe('a stream that keeps to what was set aside for it', () => {
  it('asks nothing, and is billed what it cost', async () => {
    await serve(byAnthropic);
    const read = new ReadStream(await startedBy([anthropic.start(50), anthropic.delta('begun'), anthropic.end(7)]));
    await until(() => read.ended, 'the end');
    await settled();
    expect(served.limiter.extended).toHaveLength(0);
    expect(served.limiter.settled).toMatchObject([{ nanoUsd: 50 * INPUT + 7 * OUTPUT }]);
  });

  async function startedBy(events: string[]): Promise<Response> {
    const reply = served.post('anthropic', 'budgeted', ASKED);
    await stream.send(...events);
    stream.end();
    return reply;
  }
});

it('a stream whose upstream tells its usage as it goes is stopped by that', async () => {
  await serve(byTellingChat);
  served.limiter.extensionsMost = 0;
  const read = await begun('openai', byTellingChat, { stream_options: { include_usage: true } });
  await until(() => read.ended, 'the end');
  const [record] = served.usage;
  const { inputTokens, outputTokens } = record!.usage;
  expect(read.text).toContain(`"prompt_tokens":${inputTokens},"completion_tokens":${outputTokens}`);
  expect(inputTokens * INPUT + outputTokens * OUTPUT).toBe(record!.costNanoUsd);
  expect(record!.costNanoUsd).toBeLessThanOrEqual(reserved());
});

it('a reply that is read on without its client is stopped all the same', async () => {
  await serve(byAnthropic, { model: { onDisconnect: 'drain' } });
  let release = (): void => undefined;
  served.limiter.holdUpExtension = new Promise((resolve) => (release = resolve));
  served.limiter.extensionsMost = 0;
  const leaving = new AbortController();
  const reply = served.post('anthropic', 'budgeted', ASKED, {
    ...{ headers: { 'x-api-key': 'budgeted' }, signal: leaving.signal, body: bodyOf('anthropic', ASKED) },
  });
  await stream.send(...byAnthropic.begin);
  await (await reply).body?.getReader().read();
  await until(() => served.limiter.extended.length > 0, 'the question');
  leaving.abort();
  await pause(50);
  expect(served.usage).toHaveLength(0);
  release();
  await until(() => stream.cancelled, 'the cancellation');
  expect(served.usage).toMatchObject([{ finish: 'budget_exceeded' }]);
  expect(served.usage[0]!.costNanoUsd).toBeLessThanOrEqual(reserved());
});

it('a reply is read on without its client for so long and no longer; what came is billed', async () => {
  await serve(byAnthropic, { model: { onDisconnect: 'drain' } });
  const leaving = new AbortController();
  const reply = served.post('anthropic', 'budgeted', ASKED, {
    ...{ headers: { 'x-api-key': 'budgeted' }, signal: leaving.signal, body: bodyOf('anthropic', ASKED) },
  });
  await stream.send(...byAnthropic.begin);
  await (await reply).body?.getReader().read();
  leaving.abort();
  await pause(250);
  expect([stream.cancelled, served.usage.length]).toEqual([false, 0]);
  await until(() => stream.cancelled, 'the cancellation');
  expect(served.usage).toMatchObject([{ finish: 'disconnected', accuracy: 'estimated', status: 499 }]);
});

describe('a stream that the gateway ended is a whole one', () => {
  it('to the SDK of Anthropic', async () => {
    await serve(byAnthropic);
    served.limiter.extensionsMost = 0;
    const client = new Anthropic({ baseURL: served.url, apiKey: 'budgeted', maxRetries: 0 });
    const message = client.messages
      .stream({ model: 'test/model', max_tokens: MAX_TOKENS, messages: [{ role: 'user', content: 'Hello' }] })
      .finalMessage();
    await stream.send(...byAnthropic.begin);
    const told = await message;
    await settled();
    expect(told).toMatchObject({
      stop_reason: 'max_tokens',
      content: [{ type: 'text', text: 'begun' }],
      usage: { output_tokens: served.usage[0]?.usage.outputTokens },
    });
  });

  it('to the SDK of OpenAI', async () => {
    await serve(byChat);
    served.limiter.extensionsMost = 0;
    const client = new OpenAI({ baseURL: `${served.url}/v1`, apiKey: 'budgeted', maxRetries: 0 });
    const completion = client.chat.completions
      .stream({
        ...{ model: 'test/model', max_tokens: MAX_TOKENS, stream_options: { include_usage: true } },
        messages: [{ role: 'user', content: 'Hello' }],
      })
      .finalChatCompletion();
    await stream.send(...byChat.begin);
    const told = await completion;
    await settled();
    expect(told).toMatchObject({
      choices: [{ finish_reason: 'length', message: { content: expect.stringMatching(/^begun/) } }],
      usage: { completion_tokens: served.usage[0]?.usage.outputTokens },
    });
  });
});
