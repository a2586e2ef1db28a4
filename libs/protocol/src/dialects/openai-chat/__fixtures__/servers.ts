import type { JsonObject } from '../../../json';

/** What a self-hosted server sends, after its own habits, and what it means. */
export interface ServedStream {
  sse: string;
  thinking?: string;
  text?: string;
  calls?: { id: string; name: string; arguments: string }[];
  finish: string;
  /** Input and output tokens; absent: it told none. */
  usage?: [input: number, output: number];
}

function sse(head: JsonObject, ...chunks: JsonObject[]): string {
  return chunks.map((chunk) => `data: ${JSON.stringify({ ...head, ...chunk })}\n\n`).join('') + 'data: [DONE]\n\n';
}

const head = (id: string): JsonObject => ({ id, object: 'chat.completion.chunk', created: 1_795_176_000, model: 'up' });
const usage = (input: number, output: number): JsonObject => ({
  ...{ prompt_tokens: input, total_tokens: input + output, completion_tokens: output },
});
const call = (members: JsonObject, name: string | null, text: unknown): JsonObject =>
  ({ ...members, type: 'function', function: { name, arguments: text } }) as JsonObject;

/** vLLM: every member of a choice on every chunk, `stream_options.continuous_usage_stats`, reasoning under both names. */
function vllm(delta: JsonObject, tokens: number, finish: string | null = null): JsonObject {
  const end: JsonObject = finish === null ? {} : { stop_reason: null };
  return {
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish, ...end, token_ids: null }],
    usage: usage(12, tokens),
  };
}

/** SGLang: null for what there is none of. */
function sglang(delta: JsonObject, finish: string | null = null, stop: number | null = null): JsonObject {
  const whole = { role: null, content: null, reasoning_content: null, tool_calls: null, ...delta };
  return {
    choices: [{ index: 0, delta: whole, logprobs: null, finish_reason: finish, matched_stop: stop }],
    usage: null,
  };
}

/** Ollama: role and content on every chunk. */
function ollama(delta: JsonObject, finish: string | null = null): JsonObject {
  const whole = { role: 'assistant', content: '', ...delta };
  return { system_fingerprint: 'fp_ollama', choices: [{ index: 0, delta: whole, finish_reason: finish }] };
}

/** llama.cpp: the end stands first, timings on every chunk, usage only where it is asked for. */
function llamaCpp(delta: JsonObject, finish: string | null = null): JsonObject {
  return { choices: [{ finish_reason: finish, index: 0, delta }], timings: { prompt_n: 10, predicted_n: 3 } };
}

/** TGI: the only call itself in place of a list, its id empty. */
function tgi(name: string | null, text: string): JsonObject {
  const calls = call({ index: 0, id: '' }, name, text);
  return { choices: [{ index: 0, delta: { role: 'assistant', tool_calls: calls }, finish_reason: null }], usage: null };
}

const bare = (delta: JsonObject): JsonObject => ({ choices: [{ index: 0, delta }] });

export const SERVED_STREAMS: Record<string, ServedStream> = {
  'vLLM, with usage on every chunk': {
    sse: sse(
      head('chatcmpl-v1'),
      vllm({ role: 'assistant', content: '' }, 0),
      vllm({ reasoning: 'Hm', reasoning_content: 'Hm' }, 1),
      vllm({ content: 'Hi' }, 2),
      { choices: [], usage: usage(12, 2) },
      vllm({ content: '' }, 3, 'stop'),
      { choices: [], usage: usage(12, 3) },
    ),
    ...{ thinking: 'Hm', text: 'Hi', finish: 'stop', usage: [12, 3] },
  },
  'vLLM, parallel calls under one index, ended by stop': {
    sse: sse(
      head('chatcmpl-v2'),
      vllm({ role: 'assistant', content: '' }, 0),
      vllm({ tool_calls: [call({ index: 0, id: 'chatcmpl-tool-a' }, 'f', '')] }, 1),
      vllm({ tool_calls: [call({ index: 0, id: '' }, null, '{"x":')] }, 2),
      vllm({ tool_calls: [call({ index: 0, id: '' }, null, '1}')] }, 3),
      vllm({ tool_calls: [call({ index: 0, id: 'chatcmpl-tool-b' }, 'f', '')] }, 4),
      vllm({ tool_calls: [call({ index: 0, id: '' }, null, '{"x":2}')] }, 5),
      vllm({ content: '' }, 6, 'stop'),
    ),
    calls: [
      { id: 'chatcmpl-tool-a', name: 'f', arguments: '{"x":1}' },
      { id: 'chatcmpl-tool-b', name: 'f', arguments: '{"x":2}' },
    ],
    ...{ finish: 'tool-calls', usage: [12, 6] },
  },
  'SGLang, ids repeated, one index, null for all there is none of': {
    sse: sse(
      head('fe1d2314'),
      sglang({ role: 'assistant', content: '' }),
      sglang({ reasoning_content: 'Hm' }),
      sglang({ tool_calls: [call({ index: 0, id: '0' }, 'f', '')] }),
      sglang({ tool_calls: [call({ index: 0, id: '0' }, null, '{"x":1}')] }),
      sglang({ tool_calls: [call({ index: 0, id: '1' }, 'g', '')] }),
      sglang({ tool_calls: [call({ index: 0, id: '1' }, null, '{}')] }),
      sglang({}, 'tool_calls', 151_645),
      { choices: [], usage: usage(20, 9) },
    ),
    thinking: 'Hm',
    calls: [
      { id: '0', name: 'f', arguments: '{"x":1}' },
      { id: '1', name: 'g', arguments: '{}' },
    ],
    ...{ finish: 'tool-calls', usage: [20, 9] },
  },
  'Ollama, each call whole, all under index 0, ended by stop': {
    sse: sse(
      head('chatcmpl-20'),
      ollama({ reasoning: 'Hm' }),
      ollama({ tool_calls: [call({ index: 0, id: 'call_a' }, 'f', '{"x":1}')] }),
      ollama({ tool_calls: [call({ index: 0, id: 'call_b' }, 'g', '{"y":2}')] }),
      ollama({}, 'stop'),
      { choices: [], usage: usage(30, 12) },
    ),
    thinking: 'Hm',
    calls: [
      { id: 'call_a', name: 'f', arguments: '{"x":1}' },
      { id: 'call_b', name: 'g', arguments: '{"y":2}' },
    ],
    ...{ finish: 'tool-calls', usage: [30, 12] },
  },
  'Ollama before it numbered calls': {
    sse: sse(
      head('chatcmpl-21'),
      ollama({
        tool_calls: [call({ id: 'call_a' }, 'f', '{"x":1}'), call({ id: 'call_b' }, 'f', '{"x":2}')],
      }),
      ollama({}, 'stop'),
    ),
    calls: [
      { id: 'call_a', name: 'f', arguments: '{"x":1}' },
      { id: 'call_b', name: 'f', arguments: '{"x":2}' },
    ],
    finish: 'tool-calls',
  },
  'Ollama, of an empty prompt': {
    sse: sse(head('chatcmpl-22'), ollama({}, 'load'), { choices: [], usage: usage(0, 0) }),
    finish: 'stop',
  },
  'llama.cpp, calls without ids, the name on every piece': {
    sse: sse(
      head('chatcmpl-l1'),
      llamaCpp({ role: 'assistant', content: null }),
      llamaCpp({ reasoning_content: 'Hm' }),
      llamaCpp({ tool_calls: [call({ index: 0 }, 'f', '{"x"')] }),
      llamaCpp({ tool_calls: [call({ index: 0 }, 'f', ':1}')] }),
      llamaCpp({ tool_calls: [call({ index: 1 }, 'f', '{}')] }),
      llamaCpp({}, 'tool_calls'),
    ),
    thinking: 'Hm',
    calls: [
      { id: 'call_chatcmpl-l1_0', name: 'f', arguments: '{"x":1}' },
      { id: 'call_chatcmpl-l1_1', name: 'f', arguments: '{}' },
    ],
    finish: 'tool-calls',
  },
  'TGI, the only call in place of the list': {
    sse: sse(head(''), tgi('f', ''), tgi(null, '{"x":'), tgi(null, '1}'), {
      choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: 'eos_token' }],
    }),
    calls: [{ id: 'call__0', name: 'f', arguments: '{"x":1}' }],
    finish: 'tool-calls',
  },
  'a new id on every piece': {
    sse: sse(
      head('chatcmpl-o1'),
      bare({ role: 'assistant', content: '' }),
      bare({ tool_calls: [call({ index: 0, id: 'one' }, 'f', '')] }),
      bare({ tool_calls: [call({ index: 0, id: 'two' }, '', '{"x":')] }),
      {
        choices: [
          { index: 0, delta: { tool_calls: [call({ index: 0, id: 'three' }, '', '1}')] }, finish_reason: 'stop' },
        ],
      },
    ),
    calls: [{ id: 'one', name: 'f', arguments: '{"x":1}' }],
    finish: 'tool-calls',
  },
  'hardly anything: no role, call index, id, created or end, arguments as objects, a number for an id': {
    sse: sse(
      { id: 7, model: 'up' },
      bare({ content: 'Hi' }),
      bare({ tool_calls: [{ function: { name: 'f', arguments: { x: 1 } } }] }),
      bare({ tool_calls: [{ function: { name: 'f', arguments: { x: 2 } } }] }),
    ),
    text: 'Hi',
    calls: [
      { id: 'call_7_0', name: 'f', arguments: '{"x":1}' },
      { id: 'call_7_1', name: 'f', arguments: '{"x":2}' },
    ],
    finish: 'tool-calls',
  },
};
