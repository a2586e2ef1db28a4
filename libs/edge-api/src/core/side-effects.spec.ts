import { mayHaveSideEffects } from './side-effects';

const bytes = (body: object): Buffer => Buffer.from(JSON.stringify(body));

test('what an upstream runs itself may not be run twice, wherever Responses is told of it', () => {
  const tools = [{ type: 'code_interpreter' }];
  expect(mayHaveSideEffects(bytes({ tools }), true, 'openai-responses')).toBe(true);
  const added = { input: [{ type: 'additional_tools', tools }] };
  expect(mayHaveSideEffects(bytes(added), false, 'openai-responses')).toBe(true);
  expect(mayHaveSideEffects(bytes({ tools: [{ type: 'function', name: 'f' }] }), true, 'openai-responses')).toBe(false);
});

test('to be kept is what Responses replies are anyway, and a Chat reply only where it is asked for', () => {
  expect(mayHaveSideEffects(bytes({ store: true }), false, 'openai-responses')).toBe(false);
  expect(mayHaveSideEffects(bytes({ store: true }), false, 'openai-chat')).toBe(true);
  expect(mayHaveSideEffects(bytes({}), false, 'openai-chat')).toBe(false);
});
