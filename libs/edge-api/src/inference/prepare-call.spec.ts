import { GatewayError } from '@switchboard/contracts';
import { DIALECTS, sniffRequest, type Dialect, type DialectId } from '@switchboard/protocol';
import { candidate } from '../core/__fixtures__/candidate';
import { InferenceRequest } from './inference-request';
import { prepareCall, type PreparedCall } from './prepare-call';

function request(dialect: DialectId, body: string, strict = false): InferenceRequest {
  const bytes = Buffer.from(body);
  const sniffed = sniffRequest(bytes);
  if (!sniffed.ok) throw new Error(sniffed.fault.message);
  return new InferenceRequest(DIALECTS[dialect], bytes, sniffed, {}, '', strict);
}

const onChat = candidate({ kind: 'openai-compatible' });
const onAnthropic = candidate({ kind: 'anthropic-compatible' });

function prepared(...args: Parameters<typeof prepareCall>): string {
  const call = prepareCall(...args);
  if (call instanceof GatewayError) throw call;
  return call.body.toString();
}

describe('a call to an upstream of the client’s own dialect', () => {
  it('is the client’s bytes but for the model’s name, whatever else they hold', () => {
    const body = '{ "future" : {"model":"x"},\n "model" : "claude-x", "max_tokens":1e1,"messages":[ {"role":"user"} ]}';
    expect(prepared(request('anthropic-messages', body), onAnthropic)).toBe(
      body.replace('"claude-x"', '"upstream-model"'),
    );
  });

  it('asks a Chat stream for the usage that is to be billed, and keeps other stream options', () => {
    const bare = '{"model":"upstream-model","stream":true,"messages":[1]}';
    expect(JSON.parse(prepared(request('openai-chat', bare), onChat))).toEqual({
      ...JSON.parse(bare),
      stream_options: { include_usage: true },
    });
    const options = '{"stream_options":{"x":1},"model":"m","stream":true,"messages":[1]}';
    expect(JSON.parse(prepared(request('openai-chat', options), onChat))).toMatchObject({
      model: 'upstream-model',
      stream_options: { x: 1, include_usage: true },
    });
  });

  it('is untouched, the same bytes, where nothing is to change', () => {
    const asked = request('openai-chat', '{"model":"upstream-model","messages":[1]}');
    const call = prepareCall(asked, onChat);
    expect(call instanceof GatewayError ? call : call.body).toBe(asked.body);
  });
});

describe('a cap on the output of a call to an upstream of the client’s own dialect', () => {
  const onOpenAi = candidate({ kind: 'openai' });
  const bodyOf = (members: string): string => `{ "model":"upstream-model",${members} "messages":[1]}`;

  it.each([
    ['takes the place of a larger maximum', '"max_tokens": 900,', '"max_tokens": 50,'],
    ['takes the place of one however it is written', '"max_tokens":1e3 ,', '"max_tokens":50 ,'],
    ['leaves a smaller one', '"max_tokens":9,', '"max_tokens":9,'],
    ['leaves an equal one', '"max_tokens":50,', '"max_tokens":50,'],
    [
      'takes the place of both names',
      '"max_tokens":99,"max_completion_tokens":98,',
      '"max_tokens":50,"max_completion_tokens":50,',
    ],
    [
      'never raises the smaller of two',
      '"max_tokens":99,"max_completion_tokens":9,',
      '"max_tokens":50,"max_completion_tokens":9,',
    ],
    [
      'leaves null beside a maximum',
      '"max_tokens":9,"max_completion_tokens":null,',
      '"max_tokens":9,"max_completion_tokens":null,',
    ],
  ])('%s', (_, given, capped) => {
    expect(prepared(request('openai-chat', bodyOf(given)), onOpenAi, 50)).toBe(bodyOf(capped));
    expect(prepared(request('openai-chat', bodyOf(given)), onChat, 50)).toBe(bodyOf(capped));
  });

  it.each([
    ['openai', 'max_completion_tokens'],
    ['azure-openai', 'max_completion_tokens'],
    ['openai-compatible', 'max_tokens'],
    ['openrouter', 'max_tokens'],
  ] as const)('is told in the name that %s knows where the client gave none or null', (kind, name) => {
    const bare = '{"model":"upstream-model","messages":[1]}';
    expect(prepared(request('openai-chat', bare), candidate({ kind }), 50)).toBe(`{"${name}":50,${bare.slice(1)}`);
    expect(prepared(request('openai-chat', bodyOf(`"${name}":null,`)), candidate({ kind }), 50)).toBe(
      bodyOf(`"${name}":50,`),
    );
  });

  it('is told once where the client gave null in both names, which OpenAI takes in one only', () => {
    const nulls = bodyOf('"max_tokens":null,"max_completion_tokens":null,');
    expect(prepared(request('openai-chat', nulls), onOpenAi, 50)).toBe(nulls.replace(/null,(?= )/, '50,'));
    const foreign = bodyOf('"max_completion_tokens":null,');
    expect(prepared(request('openai-chat', foreign), onChat, 50)).toBe(`{"max_tokens":50,${foreign.slice(1)}`);
  });

  it('stands beside the other edits, wherever the members are', () => {
    const body = ' {"messages":[1],"stream":true,"model":"m"}';
    expect(prepared(request('openai-chat', body), onOpenAi, 50)).toBe(
      ' {"stream_options":{"include_usage":true},"max_completion_tokens":50,"messages":[1],"stream":true,"model":"upstream-model"}',
    );
    const full =
      '{"stream_options":{},"max_tokens":99,"messages":[1],"stream":true,"max_completion_tokens":98,"model":"m"}';
    expect(JSON.parse(prepared(request('openai-chat', full), onOpenAi, 50))).toEqual({
      stream_options: { include_usage: true },
      max_tokens: 50,
      messages: [1],
      stream: true,
      max_completion_tokens: 50,
      model: 'upstream-model',
    });
  });

  it('is not read from a member that the dialect does not have', () => {
    const body = bodyOf('"max_completion_tokens":1,"max_tokens":900,');
    expect(prepared(request('anthropic-messages', body), onAnthropic, 50)).toBe(body.replace('900', '50'));
  });

  it('keeps a thinking budget below it, as the API demands, or thinking off', () => {
    const thinking = (budget: number): string =>
      bodyOf(`"thinking":{"budget_tokens":${budget},"type":"enabled"},"max_tokens":9000,`);
    const capped = (body: string, most: number): unknown =>
      JSON.parse(prepared(request('anthropic-messages', body), onAnthropic, most));
    expect(capped(thinking(8000), 2000)).toMatchObject({
      max_tokens: 2000,
      thinking: { type: 'enabled', budget_tokens: 1999 },
    });
    expect(capped(thinking(1500), 2000)).toMatchObject({ thinking: { budget_tokens: 1500 } });
    expect(capped(thinking(1500), 1024)).toMatchObject({ max_tokens: 1024, thinking: { type: 'disabled' } });
    expect(capped(thinking(8000), 9000)).toEqual(JSON.parse(thinking(8000)));
    const adaptive = bodyOf('"thinking":{"type":"adaptive"},"max_tokens":9000,');
    expect(capped(adaptive, 10)).toMatchObject({ max_tokens: 10, thinking: { type: 'adaptive' } });
  });
});

describe('a cap on the output of a call to an upstream of another dialect', () => {
  const ask = (members: object): string =>
    JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'Hi' }], ...members });
  const sent = (dialect: DialectId, members: object, most?: number): Record<string, unknown> =>
    JSON.parse(
      prepared(request(dialect, ask(members)), dialect === 'openai-chat' ? onAnthropic : onChat, most),
    ) as Record<string, unknown>;

  it('is told where the client asked for more, and not where it asked for less', () => {
    expect(sent('openai-chat', { max_tokens: 900 }, 50)['max_tokens']).toBe(50);
    expect(sent('openai-chat', { max_tokens: 9 }, 50)['max_tokens']).toBe(9);
    expect(sent('anthropic-messages', { max_tokens: 900 }, 50)['max_completion_tokens']).toBe(50);
    expect(sent('anthropic-messages', { max_tokens: 9 }, 50)['max_completion_tokens']).toBe(9);
  });

  it('is told where the client gave no maximum', () => {
    expect(sent('openai-chat', {}, 50)['max_tokens']).toBe(50);
    expect(sent('openai-chat', {}, 1_000_000)['max_tokens']).toBe(64_000);
  });

  it('is of its own call only: the next candidate is told its own', () => {
    const asked = request('openai-chat', ask({ max_tokens: 900 }));
    prepared(asked, onAnthropic, 50);
    expect(JSON.parse(prepared(asked, onAnthropic))).toMatchObject({ max_tokens: 900 });
  });
});

describe('a call to an upstream of another dialect', () => {
  const body = '{"model":"m","max_tokens":9,"top_k":3,"messages":[{"role":"user","content":"Hi"}]}';

  it('is translated, and names what is lost', () => {
    const call = prepareCall(request('anthropic-messages', body), onChat);
    expect(call).toMatchObject({ passThrough: false, requestLosses: [{ feature: 'top_k', path: 'top_k' }] });
  });

  it('is refused where strict translation would lose something', () => {
    expect(prepareCall(request('anthropic-messages', body, true), onChat)).toMatchObject({ code: 'translation_loss' });
  });

  it('is refused, not a crash, where a translator has a bug', () => {
    const buggy: Dialect = {
      ...DIALECTS['openai-chat'],
      encodeRequest: () => {
        throw new TypeError('a bug of ours');
      },
    };
    const call = prepareCall(request('anthropic-messages', body), { ...onChat, dialect: buggy });
    expect(call).toMatchObject({ code: 'internal' });
    expect((call as GatewayError).publicMessage).not.toContain('bug');
  });
});

describe('a free-text tool', () => {
  const tool = { type: 'custom', custom: { name: 'note', format: { type: 'grammar', grammar: {} } } };
  const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'Hi' }], tools: [tool] });

  it('is a function to Anthropic, and its grammar is a loss', () => {
    const call = prepareCall(request('openai-chat', body), onAnthropic);
    expect(call).toMatchObject({ requestLosses: [{ feature: 'custom_tool.format', path: 'tools[0].format' }] });
    expect(JSON.parse((call as PreparedCall).body.toString())).toMatchObject({
      tools: [{ name: 'note', input_schema: { properties: { input: {} } } }],
    });
    expect((call as PreparedCall).adaptation?.map(({ name }) => name)).toEqual(['custom-tools']);
    expect(prepareCall(request('openai-chat', body, true), onAnthropic)).toMatchObject({ code: 'translation_loss' });
  });

  it('passes through where the client speaks the dialect of the upstream', () => {
    expect(prepareCall(request('openai-chat', body), onChat)).toMatchObject({ passThrough: true });
  });
});
