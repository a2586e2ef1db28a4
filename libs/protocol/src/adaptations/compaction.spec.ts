import type { Conversation, Part } from '../conversation';
import { readStream } from '../__fixtures__/stream-grammar';
import type { Reply } from '../reply';
import { adaptConversation, adaptReply, type Adaptation } from './adapt';
import { adaptStream, EMULATED, eventsOf, PLAIN, replyOf } from './__fixtures__/replies';

const conversation: Conversation = {
  model: 'm',
  messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }],
  tools: [
    { type: 'function', name: 'shell', inputSchema: {} },
    { type: 'server', dialect: 'openai-responses', name: 'web_search', wire: {} },
  ],
  ...{ toolChoice: { type: 'auto' }, parallelToolCalls: true, outputFormat: { type: 'json-object' } },
  ...{ sampling: {}, stream: true, compaction: true, unmapped: [] },
};

function adapted(target = PLAIN) {
  const result = adaptConversation(conversation, target);
  if (!result.ok) throw new Error(result.fault.message);
  return result;
}

const undo = adapted().adaptation as Adaptation;
const item = (text: string): Part => ({
  type: 'opaque',
  dialect: 'openai-responses',
  wire: { type: 'compaction', encrypted_content: `sbsum.${Buffer.from(text).toString('base64url')}` },
});

function both(reply: Reply) {
  const events = adaptStream(eventsOf(reply, [1, 2]), undo);
  readStream(events);
  return { whole: adaptReply(reply, undo), events };
}

it('asks for a summary in a last message of the user, with no tool to be called', () => {
  const { conversation: sent, losses } = adapted();
  expect(sent.messages.slice(0, -1)).toEqual(conversation.messages);
  const [last] = sent.messages.slice(-1);
  expect(last?.role).toBe('user');
  expect(JSON.stringify(last?.parts)).toContain('summary');
  expect(sent.tools).toEqual(conversation.tools.slice(0, 1));
  expect(sent.toolChoice).toEqual({ type: 'none' });
  for (const gone of ['compaction', 'outputFormat', 'parallelToolCalls']) expect(sent).not.toHaveProperty(gone);
  expect(losses).toEqual([]);
});

it('asks models without tools for it too', () => {
  expect(adapted(EMULATED).conversation).toMatchObject({ tools: [], messages: [{}, { role: 'user' }] });
});

it('makes one opaque item of the reply, whole also in a stream', () => {
  const parts: Part[] = [
    { type: 'thinking', text: 'hm' },
    { type: 'text', text: 'We ' },
    { type: 'text', text: 'did it. 😀' },
  ];
  const { whole, events } = both(replyOf(parts, 'tool-calls'));
  expect(whole).toMatchObject({ ok: true, value: { parts: [item('We did it. 😀')], finish: 'stop' } });
  expect(whole.ok && whole.losses).toEqual([{ feature: 'block.thinking', path: 'content[0]' }]);
  expect(events).toEqual([
    { type: 'start', id: 'reply_1', model: 'm' },
    { type: 'loss', loss: { feature: 'block.thinking', path: 'stream' } },
    { type: 'block-start', block: item('We did it. 😀') },
    { type: 'block-stop' },
    { type: 'finish', reason: 'stop' },
  ]);
});

it('lets a refusal be one', () => {
  const { whole, events } = both(replyOf([{ type: 'refusal', text: 'No.' }], 'refusal'));
  expect(whole).toMatchObject({ ok: true, value: { parts: [{ type: 'refusal', text: 'No.' }], finish: 'refusal' } });
  expect(events.map(({ type }) => type)).toEqual(['start', 'block-start', 'refusal-delta', 'block-stop', 'finish']);
});

it('never puts nothing in the place of a conversation', () => {
  const { whole, events } = both(replyOf([{ type: 'text', text: ' \n' }]));
  expect(whole).toMatchObject({ ok: false });
  expect(events.at(-1)).toMatchObject({ type: 'error', error: { kind: 'malformed' } });
  expect(both(replyOf([], 'length')).whole).toMatchObject({ ok: true, value: { parts: [], finish: 'length' } });
});
