import fc from 'fast-check';
import { SHOWN, throughJson } from '../../__fixtures__/translate';
import { arbitraryReply } from '../../conversation.arbitrary';
import { NAMESPACE_SEPARATOR, TOOL_SEARCH } from '../../conversation';
import type { JsonObject } from '../../json';
import type { Reply } from '../../reply';
import { CALL, MESSAGE, REASONING, responseOf, SPENT } from './__fixtures__/events';
import { decodeReply, encodeReply } from './response';

function decode(members: JsonObject, toolNames: ReadonlyMap<string, string> = new Map()): Reply {
  const decoded = decodeReply(responseOf(members), { toolNames });
  if (!decoded.ok) throw new Error(decoded.fault.message);
  return decoded.value;
}

const REPLY: Reply = { id: 'up_1', model: 'up', parts: [], finish: 'stop', unmapped: [] };

function encode(reply: Partial<Reply>, request?: JsonObject) {
  return encodeReply({ ...REPLY, ...reply }, { ...SHOWN, ...(request && { request }) });
}

function outputOf(reply: Partial<Reply>): unknown {
  return encode(reply).body.output;
}

describe('an upstream response', () => {
  it('is read with its thinking, texts, calls, usage and tier', () => {
    const reply = decode({ output: [REASONING, MESSAGE, CALL], service_tier: 'default' });
    expect(reply).toEqual({
      ...{ id: 'resp_1', model: 'gpt-up', finish: 'tool-calls', usage: SPENT, serviceTier: 'default', unmapped: [] },
      parts: [
        { type: 'thinking', text: 'First.\n\nThen.', signature: 'gAAA', signedBy: 'openai-responses' },
        { type: 'text', text: 'Hello' },
        { type: 'tool-call', id: 'call_1', name: 'read', arguments: '{"path":"a"}' },
      ],
    });
  });

  it('gives the client its own name of a tool back', () => {
    const [part] = decode({ output: [CALL] }, new Map([['read', 'a long name']])).parts;
    expect(part).toMatchObject({ name: 'a long name' });
  });

  it('reads namespaces, free-text calls and the search for tools', () => {
    const output: JsonObject[] = [
      { ...CALL, namespace: 'files' },
      { type: 'custom_tool_call', id: 'ctc_1', call_id: 'call_2', name: 'apply_patch', input: '*** Begin' },
      { type: 'tool_search_call', id: 'ts_1', call_id: 'call_3', execution: 'client', arguments: { query: 'x' } },
      { type: 'tool_search_call', id: 'ts_2', call_id: null, execution: 'server', arguments: {}, status: 'completed' },
    ];
    const { parts, finish } = decode({ output });
    expect(parts).toEqual([
      { type: 'tool-call', id: 'call_1', name: `files${NAMESPACE_SEPARATOR}read`, arguments: '{"path":"a"}' },
      { type: 'tool-call', id: 'call_2', name: 'apply_patch', arguments: '*** Begin', custom: true },
      { type: 'tool-call', id: 'call_3', name: TOOL_SEARCH, arguments: '{"query":"x"}' },
      { type: 'opaque', dialect: 'openai-responses', wire: output[3] },
    ]);
    expect(finish).toBe('tool-calls');
  });

  it.each<[string, JsonObject, unknown[]]>([
    ['content where there is no summary', { summary: [], content: [{ text: 'a' }, { text: 'b' }] }, [{ text: 'ab' }]],
    ['a signature without a text', { summary: [], encrypted_content: 'x' }, [{ text: '', signature: 'x' }]],
    ['nothing of an empty item', { summary: [] }, []],
    [
      'whose signature is in our envelope',
      { encrypted_content: 'sbsig.anthropic-messages.E' },
      [{ text: '', signature: 'E', signedBy: 'anthropic-messages' }],
    ],
    [
      'redacted thinking in our envelope',
      { encrypted_content: 'sbsig.anthropic-messages.redacted:E' },
      [{ type: 'redacted-thinking', data: 'E', signedBy: 'anthropic-messages' }],
    ],
  ])('reads of a reasoning item %s', (_, members, parts) => {
    expect(decode({ output: [{ type: 'reasoning', id: 'rs', ...members }] }).parts).toMatchObject(parts);
  });

  it('keeps annotations and logprobs, and leaves what it has no place for to a loss', () => {
    const annotation = { type: 'url_citation', url: 'https://a.example', title: 'A', start_index: 0, end_index: 1 };
    const content = [{ type: 'output_text', text: 'Hi', annotations: [annotation], logprobs: [{ token: 'Hi' }] }];
    const reply = decode({ output: [{ ...MESSAGE, content, phase: 'commentary' }] });
    expect(reply.parts).toEqual([{ type: 'text', text: 'Hi', citations: [annotation] }]);
    expect(reply.logprobs).toEqual({ content: [{ token: 'Hi' }], refusal: null });
    expect(reply.unmapped).toEqual([{ path: 'output[0].phase', value: 'commentary' }]);
  });

  it.each<[JsonObject, string, number]>([
    [{ status: 'completed', output: [MESSAGE] }, 'stop', 0],
    [{ output: [{ ...MESSAGE, content: [{ type: 'refusal', refusal: 'No' }] }] }, 'refusal', 0],
    [{ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } }, 'length', 0],
    [{ status: 'incomplete', incomplete_details: { reason: 'content_filter' } }, 'refusal', 0],
    [{ status: 'incomplete', incomplete_details: { reason: 'steered' } }, 'length', 1],
  ])('%j ends in %s', (members, finish, losses) => {
    const reply = decode(members);
    expect([reply.finish, reply.unmapped.length]).toEqual([finish, losses]);
  });

  it.each<[JsonObject, string]>([
    [{ status: 'failed', error: { code: 'server_error', message: 'Their words' } }, 'Their words'],
    [{ status: 'cancelled' }, 'cancelled'],
    [{ status: 'in_progress' }, 'not finished'],
    [{ output: null }, 'without output'],
    [{ output: [7] }, 'not an object'],
    [{ output: [{ ...CALL, name: '' }] }, 'without a name'],
  ])('%j is a fault', (members, words) => {
    const decoded = decodeReply(responseOf(members), { toolNames: new Map() });
    expect(decoded.ok ? '' : decoded.fault.message).toContain(words);
  });
});

describe('a client response', () => {
  it('is whole, with ids, and tells the request back', () => {
    const request = { model: 'alias', instructions: 'Be short', temperature: 0.5, tools: [{ type: 'web_search' }] };
    const { body, losses } = encode({ parts: [{ type: 'text', text: 'Hi' }], usage: SPENT }, request);
    expect(losses).toEqual([]);
    expect(body).toMatchObject({
      ...{ id: 'resp_made-up', object: 'response', created_at: 1_700_000_000, status: 'completed', error: null },
      ...{ model: 'shown/model', instructions: 'Be short', temperature: 0.5, tools: request.tools, top_p: 1 },
      ...{ store: true, tool_choice: 'auto', parallel_tool_calls: true, metadata: {}, output_text: 'Hi' },
      usage: {
        input_tokens: 100,
        output_tokens: 20,
        total_tokens: 120,
        output_tokens_details: { reasoning_tokens: 5 },
      },
    });
    expect(body.output).toEqual([
      {
        ...{ type: 'message', id: 'msg_made-up_0', status: 'completed', role: 'assistant' },
        content: [{ type: 'output_text', text: 'Hi', annotations: [], logprobs: [] }],
      },
    ]);
  });

  it('has texts in a row in one message, and everything else in an item of its own', () => {
    const output = outputOf({
      parts: [
        { type: 'thinking', text: 'hm', signature: 'E', signedBy: 'anthropic-messages' },
        { type: 'redacted-thinking', data: 'R', signedBy: 'anthropic-messages' },
        { type: 'text', text: 'a' },
        { type: 'text', text: 'b' },
        { type: 'tool-call', id: 'c1', name: `files${NAMESPACE_SEPARATOR}read`, arguments: ' ' },
        { type: 'tool-call', id: 'c2', name: 'patch', arguments: '', custom: true },
        { type: 'tool-call', id: 'c3', name: TOOL_SEARCH, arguments: '{"query":"x"}' },
      ],
    });
    expect(output).toMatchObject([
      { type: 'reasoning', summary: [{ text: 'hm' }], encrypted_content: 'sbsig.anthropic-messages.E' },
      { type: 'reasoning', summary: [], encrypted_content: 'sbsig.anthropic-messages.redacted:R' },
      { type: 'message', content: [{ text: 'a' }, { text: 'b' }] },
      { type: 'function_call', id: 'fc_made-up_3', call_id: 'c1', namespace: 'files', name: 'read', arguments: '{}' },
      { type: 'custom_tool_call', id: 'ctc_made-up_4', call_id: 'c2', name: 'patch', input: '' },
      { type: 'tool_search_call', call_id: 'c3', execution: 'client', arguments: { query: 'x' } },
    ]);
  });

  it('shows what Anthropic cites of the web as a URL’s citation, and says what that leaves out', () => {
    const cited = { type: 'web_search_result_location', url: 'https://a.example', title: 'A', cited_text: 'x' };
    const text = { type: 'text' as const, text: 'Hello', citations: [cited, { type: 'char_location' }] };
    const { body, losses } = encode({ parts: [text] });
    const annotation = { type: 'url_citation', url: 'https://a.example', title: 'A', start_index: 0, end_index: 5 };
    expect(body.output).toMatchObject([{ content: [{ annotations: [annotation] }] }]);
    expect(losses.map(({ feature }) => feature)).toEqual(['citations.cited_text', 'citations']);
  });

  it.each<[Partial<Reply>, JsonObject, string[]]>([
    [{ finish: 'length' }, { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } }, []],
    [{ finish: 'refusal' }, { status: 'incomplete', incomplete_details: { reason: 'content_filter' } }, []],
    [{ finish: 'refusal', parts: [{ type: 'refusal', text: 'No' }] }, { status: 'completed' }, []],
    [{ finish: 'stop-sequence', stopSequence: 'X' }, { status: 'completed' }, ['stop_sequence']],
    [{ finish: 'pause' }, { status: 'completed' }, ['stop_reason.pause_turn']],
    [{ logprobs: { content: [] } }, { status: 'completed' }, ['logprobs']],
    [{ serviceTier: 'standard' }, { service_tier: 'default' }, []],
  ])('says of %j: %j', (reply, members, lost) => {
    const { body, losses } = encode(reply);
    expect(body).toMatchObject(members);
    expect(losses.map(({ feature }) => feature)).toEqual(lost);
  });

  it('gives any reply back but for the losses it reported', () => {
    fc.assert(
      fc.property(arbitraryReply, (reply) => {
        const { body, losses } = encodeReply(reply, SHOWN);
        const decoded = decodeReply(throughJson(body), { toolNames: new Map() });
        if (!decoded.ok) throw new Error(decoded.fault.message);
        const spelled = reply.parts.map((part) =>
          part.type === 'tool-call' && part.arguments.trim() === '' ? { ...part, arguments: '{}' } : part,
        );
        expect(decoded.value.parts).toEqual(spelled);
        expect(decoded.value.usage).toEqual(reply.usage);
        const cutOff = reply.finish === 'length' || reply.finish === 'context-window';
        if (losses.length === 0 && cutOff) expect(decoded.value.finish).toBe('length');
      }),
    );
  });
});
