import type { StoredResponse } from '@switchboard/contracts';
import type { JsonObject } from '@switchboard/protocol';
import { expandInput, itemsOf, referencesIn } from './expand-input';
import { inputList, storedItems } from './stored-input';

const question: JsonObject = { type: 'message', id: 'msg_1_in0', role: 'user', content: 'Hi' };
const thought: JsonObject = { type: 'reasoning', id: 'rs_1_0', summary: [], encrypted_content: 'sealed' };
const answer: JsonObject = {
  ...{ type: 'message', id: 'msg_1_1', role: 'assistant', status: 'completed' },
  content: [{ type: 'output_text', text: 'Hello', annotations: [] }],
};
const call: JsonObject = {
  type: 'function_call',
  id: 'fc_1_2',
  call_id: 'call_1',
  name: 'f',
  arguments: '{}',
  status: 'completed',
};
const previous = {
  input: [question],
  response: { id: 'resp_1', instructions: 'Be brief.', output: [thought, answer, call] },
} as unknown as StoredResponse;
const nobody = new Map<string, JsonObject>();

test('a request that goes on says all that was said before it, without ids and without instructions', () => {
  const input = inputList('And you?')!;
  const { stored, sent, losses } = expandInput(input, previous, nobody);
  expect(stored).toEqual([question, thought, answer, call, ...input]);
  expect(sent).toEqual([
    { type: 'message', role: 'user', content: 'Hi' },
    { type: 'reasoning', summary: [], encrypted_content: 'sealed' },
    { type: 'message', role: 'assistant', content: answer.content },
    { type: 'function_call', call_id: 'call_1', name: 'f', arguments: '{}' },
    { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'And you?' }] },
  ]);
  expect(losses).toEqual([]);
  expect(JSON.stringify(sent)).not.toContain('brief');
});

test('items that run at the upstream keep their ids, and what is no item is left for others to refuse', () => {
  const search = { type: 'web_search_call', id: 'ws_1', status: 'completed' };
  expect(expandInput([search, 7, null], undefined, nobody).sent).toEqual([search, 7, null]);
});

test('references become the items they name, once; what nobody knows is a loss', () => {
  const known = new Map(itemsOf(previous).map((item) => [item.id as string, item]));
  const input = [
    ...[question, { type: 'item_reference', id: 'rs_1_0' }, { id: 'msg_1_1' }],
    ...[
      { type: 'item_reference', id: 'rs_9' },
      { type: 'item_reference', id: 'rs_1_0' },
    ],
  ];
  expect(referencesIn(input)).toEqual(['rs_1_0', 'msg_1_1', 'rs_9', 'rs_1_0']);
  const { stored, losses } = expandInput(input, undefined, known);
  expect(stored).toEqual([question, thought, answer]);
  expect(losses).toEqual([{ feature: 'item_reference', path: 'input[3]' }]);
});

test('what the previous response holds is not said twice', () => {
  const { stored, losses } = expandInput([{ type: 'item_reference', id: 'msg_1_1' }], previous, nobody);
  expect(stored).toEqual([question, thought, answer, call]);
  expect(losses).toEqual([]);
});

test('reasoning of which nothing is left is not sent as a reference to nowhere', () => {
  const empty = { type: 'reasoning', id: 'rs_2', summary: [] };
  const told = { type: 'reasoning', id: 'rs_3', summary: [{ type: 'summary_text', text: 'Hm' }] };
  const { stored, sent, losses } = expandInput([empty, told], undefined, nobody);
  expect(stored).toEqual([empty, told]);
  expect(sent).toEqual([{ type: 'reasoning', summary: told.summary }]);
  expect(losses).toEqual([{ feature: 'thinking.signature', path: 'input[0]' }]);
});

test('what is stored has types and ids, the same each time, its own where it had any', () => {
  const items = storedItems(
    [{ role: 'user', content: 'a' }, answer, { type: 'function_call_output', output: '1' }, 7],
    'resp_x',
  );
  expect(items.map(({ type, id }) => [type, id])).toEqual([
    ['message', 'msg_x_in0'],
    ['message', 'msg_1_1'],
    ['function_call_output', 'fco_x_in2'],
  ]);
  expect([inputList(undefined), inputList({}), inputList([])]).toEqual([[], undefined, []]);
});
