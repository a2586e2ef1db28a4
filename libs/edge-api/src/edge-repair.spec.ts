import { ServedEdge } from './__fixtures__/served-edge';

const KEY = 'ac_live_repair';
const CALL = { function: { name: 'f', arguments: { x: 1 } } };
const BROKEN = JSON.stringify({
  ...{ id: 'r', object: 'chat.completion', model: 'test/model' },
  choices: [{ index: 0, message: { role: 'assistant', content: null, tool_calls: [CALL] }, finish_reason: 'stop' }],
});

test.each([
  [
    'openai-compatible',
    { id: 'call_r_0', type: 'function', function: { name: 'f', arguments: '{"x":1}' } },
    'tool_calls',
  ],
  ['openai', CALL, 'stop'],
] as const)('of %s a client of the same dialect gets the call %j, ended by %s', async (kind, call, finish) => {
  const served = await ServedEdge.start({
    ...{ kind, keys: { [KEY]: {} } },
    answer: (_, response) => void response.setHeader('content-type', 'application/json').end(BROKEN),
  });
  const reply = await served.post('openai', KEY);
  expect(await reply.json()).toMatchObject({ choices: [{ message: { tool_calls: [call] }, finish_reason: finish }] });
  await served.close();
});
