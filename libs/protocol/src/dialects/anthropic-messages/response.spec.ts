import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Reply } from '../../reply';
import type { JsonObject } from '../../json';
import { SseDecoder } from '../../sse/decoder';
import { emptyUsage } from '../../usage';
import { anthropicMessages } from './dialect';
import { decodeStopReason, encodeStopReason } from './map-stop-reason';
import { mergeUsage } from './usage';

const context = { model: 'shown', id: 'msg_1', createdAtSeconds: 0, includeUsage: true };
const reply: Reply = { id: 'r', model: 'up', parts: [], finish: 'stop', usage: emptyUsage(), unmapped: [] };
const encode = (overrides: Partial<Reply>) => anthropicMessages.encodeReply({ ...reply, ...overrides }, context);

function decode(body: JsonObject, toolNames = new Map<string, string>()): Reply {
  const decoded = anthropicMessages.decodeReply(body, { toolNames });
  if (!decoded.ok) throw new Error(decoded.fault.message);
  return decoded.value;
}

describe('decodeReply of Anthropic Messages', () => {
  const message: JsonObject = {
    id: 'msg_9',
    type: 'message',
    role: 'assistant',
    model: 'claude',
    content: [
      { type: 'text', text: 'a', citations: null },
      { type: 'tool_use', id: 't', name: 'short', input: { a: [1] }, caller: { type: 'direct' } },
      { type: 'server_tool_use', id: 's', name: 'web_search', input: {} },
    ],
    stop_reason: 'stop_sequence',
    stop_sequence: '##',
    container: null,
    usage: { input_tokens: 1, output_tokens: 2, service_tier: 'standard', inference_geo: 'eu' },
  };

  it('reads content, names as the client knows them, the end and the usage', () => {
    expect(decode(message, new Map([['short', 'own.name']]))).toEqual({
      id: 'msg_9',
      model: 'claude',
      parts: [
        { type: 'text', text: 'a' },
        { type: 'tool-call', id: 't', name: 'own.name', arguments: '{"a":[1]}' },
        {
          type: 'opaque',
          dialect: 'anthropic-messages',
          wire: { type: 'server_tool_use', id: 's', name: 'web_search', input: {} },
        },
      ],
      finish: 'stop-sequence',
      stopSequence: '##',
      serviceTier: 'standard',
      usage: { ...emptyUsage(), inputTokens: 1, outputTokens: 2 },
      unmapped: [],
    });
  });

  it('keeps fields and stop reasons it does not know', () => {
    const { unmapped, finish } = decode({ ...message, stop_reason: 'compaction', context_management: { applied: [] } });
    expect(finish).toBe('tool-calls');
    expect(unmapped.map(({ path: where }) => where)).toEqual(['stop_reason', 'context_management']);
  });

  it.each<[JsonObject, RegExp]>([
    [{ type: 'error', error: { type: 'api_error', message: 'Broken' } }, /^Broken$/],
    [{ choices: [] }, /content: Field required/],
    [{ content: [{ type: 'text' }] }, /content\.0\.text: Field required/],
    [{ content: [], usage: 5 }, /usage/],
  ])('finds %j to be no reply', (body, message) => {
    const decoded = anthropicMessages.decodeReply(body, { toolNames: new Map() });
    expect(!decoded.ok && decoded.fault.message).toMatch(message);
  });
});

describe('encodeReply of Anthropic Messages', () => {
  it('writes a whole message under the resolved model name', () => {
    const usage = {
      inputTokens: 1,
      cacheReadTokens: 2,
      cacheWrite5mTokens: 3,
      cacheWrite1hTokens: 4,
      outputTokens: 5,
      reasoningTokens: 6,
    };
    const { body, losses } = encode({
      id: '',
      usage,
      serviceTier: 'default',
      parts: [
        { type: 'thinking', text: 'hm' },
        { type: 'text', text: 'a' },
      ],
    });
    expect(losses).toEqual([]);
    expect(body).toEqual({
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'shown',
      content: [
        { type: 'thinking', thinking: 'hm', signature: '' },
        { type: 'text', text: 'a' },
      ],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: {
        input_tokens: 1,
        cache_read_input_tokens: 2,
        cache_creation_input_tokens: 7,
        cache_creation: { ephemeral_5m_input_tokens: 3, ephemeral_1h_input_tokens: 4 },
        output_tokens: 5,
        output_tokens_details: { thinking_tokens: 6 },
        service_tier: 'standard',
      },
    });
  });

  it('says by the stop reason that a text is a refusal', () => {
    const { body } = encode({ parts: [{ type: 'refusal', text: 'I cannot' }] });
    expect(body).toMatchObject({ content: [{ type: 'text', text: 'I cannot' }], stop_reason: 'refusal' });
  });

  it('gives tool input as an object also where the model was cut off, and reports it', () => {
    const { body, losses } = encode({
      finish: 'length',
      parts: [{ type: 'tool-call', id: 't', name: 'f', arguments: '{"a' }],
    });
    expect(body).toMatchObject({ content: [{ input: { raw: '{"a' } }], stop_reason: 'max_tokens' });
    expect(losses).toEqual([{ feature: 'tool_arguments.invalid', path: 'content[0].input' }]);
  });

  it('reports what a message cannot hold', () => {
    const { body, losses } = encode({
      parts: [
        { type: 'audio', data: 'AA==', format: 'wav' },
        { type: 'opaque', dialect: 'other', wire: { type: 'odd' } },
        { type: 'text', text: 'a', citations: [{ type: 'url_citation' }], unmapped: [{ path: 'x.odd', value: 1 }] },
      ],
      logprobs: [],
      unmapped: [{ path: 'system_fingerprint', value: 'f' }],
    });
    expect(body['content']).toEqual([{ type: 'text', text: 'a' }]);
    expect(losses.map(({ feature }) => feature)).toEqual([
      'block.audio',
      'block.odd',
      'field.odd',
      'citations',
      'field.system_fingerprint',
      'logprobs',
    ]);
  });
});

describe('stop reasons', () => {
  it('come back as they went, every one', () => {
    const reasons = ['stop', 'stop-sequence', 'length', 'tool-calls', 'refusal', 'pause', 'context-window'] as const;
    expect(reasons.map((reason) => decodeStopReason(encodeStopReason(reason)))).toEqual(reasons);
    expect(decodeStopReason('compaction')).toBeUndefined();
  });
});

describe('mergeUsage', () => {
  it('counts cache writes without a split as 5 minutes, and keeps a split once known', () => {
    const plain = mergeUsage(undefined, { input_tokens: 1, cache_creation_input_tokens: 9 });
    expect(plain).toMatchObject({ cacheWrite5mTokens: 9, cacheWrite1hTokens: 0 });
    const split = mergeUsage(undefined, {
      cache_creation_input_tokens: 9,
      cache_creation: { ephemeral_5m_input_tokens: 2, ephemeral_1h_input_tokens: 7 },
    });
    expect(mergeUsage(split, { cache_creation_input_tokens: 9 })).toEqual(split);
    expect(mergeUsage(split, { cache_creation_input_tokens: 4 })).toMatchObject({
      cacheWrite5mTokens: 0,
      cacheWrite1hTokens: 4,
    });
  });

  it('takes later figures over earlier ones, and none for null, negative or senseless ones', () => {
    const known = mergeUsage(undefined, { input_tokens: 5, output_tokens: 1, cache_read_input_tokens: 2 });
    expect(mergeUsage(known, { output_tokens: 8, input_tokens: null, cache_read_input_tokens: -1 })).toEqual({
      ...known,
      outputTokens: 8,
    });
    expect(mergeUsage(known, { output_tokens: '8', input_tokens: 1e300 })).toEqual(known);
  });
});

describe('a recorded stream', () => {
  it('decodes to canonical events', () => {
    const decoder = anthropicMessages.streamDecoder({ toolNames: new Map() });
    const bytes = readFileSync(path.join(__dirname, '__fixtures__', 'tool-use.upstream.sse'));
    const events = new SseDecoder().push(bytes).flatMap((event) => decoder.push(event));
    const usage = {
      inputTokens: 472,
      cacheReadTokens: 100,
      cacheWrite5mTokens: 10,
      cacheWrite1hTokens: 20,
      reasoningTokens: 0,
      outputTokens: 2,
    };
    expect([...events, ...decoder.end('completed')]).toEqual([
      { type: 'start', id: 'msg_01', model: 'claude-sonnet-4-6', usage },
      { type: 'block-start', block: { type: 'thinking' } },
      { type: 'ping' },
      { type: 'thinking-delta', text: 'The "usage" key, é' },
      { type: 'signature-delta', signature: 'EqQBCkYIBRgCKkBxyz', signedBy: 'anthropic-messages' },
      { type: 'block-stop' },
      { type: 'block-start', block: { type: 'text' } },
      { type: 'text-delta', text: 'Okay' },
      { type: 'text-delta', text: ", let's check" },
      { type: 'block-stop' },
      { type: 'block-start', block: { type: 'tool-call', id: 'toolu_01', name: 'get_weather' } },
      { type: 'arguments-delta', json: '{"location":' },
      { type: 'arguments-delta', json: ' "Paris"}' },
      { type: 'block-stop' },
      {
        type: 'finish',
        reason: 'tool-calls',
        serviceTier: 'standard',
        usage: { ...usage, outputTokens: 89, reasoningTokens: 12 },
      },
    ]);
  });
});

describe('a signature of another provider', () => {
  it('reaches the client in one envelope, streamed or not, and is opened again', () => {
    const signed = { signature: 'gAAA', signedBy: 'openai-responses' as const };
    const reply = { id: '', model: '', finish: 'stop' as const, unmapped: [] };
    const { body } = anthropicMessages.encodeReply(
      { ...reply, parts: [{ type: 'thinking', text: 'hm', ...signed }] },
      { model: 'shown', id: 'msg_2', createdAtSeconds: 0, includeUsage: false },
    );
    expect(body.content).toEqual([{ type: 'thinking', thinking: 'hm', signature: 'sbsig.openai-responses.gAAA' }]);
    const encoder = anthropicMessages.streamEncoder({
      ...{ model: 'shown', id: 'msg_2', createdAtSeconds: 0, includeUsage: false },
    });
    encoder.push({ type: 'start', id: '', model: '' });
    encoder.push({ type: 'block-start', block: { type: 'thinking' } });
    const text = ['gA', 'AA']
      .map((signature) => encoder.push({ type: 'signature-delta', ...signed, signature }))
      .join('');
    expect(text.match(/"signature":"[^"]*"/g)).toEqual(['"signature":"sbsig.openai-responses.gA"', '"signature":"AA"']);
    const decoded = anthropicMessages.decodeReply(body, { toolNames: new Map() });
    expect(decoded).toMatchObject({ value: { parts: [signed] } });
  });
});
