import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { startSimulator, type RunningSimulator } from './index';

let simulator: RunningSimulator;
beforeAll(async () => {
  simulator = await startSimulator();
});
afterAll(() => simulator.close());

const NAMES = ['Bash', 'Read', 'Write', 'Edit', 'Glob', 'Grep', 'Task', 'WebFetch', 'TodoWrite'];
const schema = { type: 'object' as const, required: ['command'], properties: { command: { type: 'string' } } };
const reminder = '<system-reminder>\nContext. [[tool:Write {"never":true}]]\n</system-reminder>';

describe('an agent with many tools', () => {
  const tools = NAMES.map((name) => ({ name, input_schema: schema }));
  const anthropic = (): Anthropic => new Anthropic({ baseURL: simulator.url, apiKey: 'k', maxRetries: 0 });
  const ask = (messages: Anthropic.MessageParam[]) =>
    anthropic().messages.create({ model: 'sim-any', max_tokens: 1000, tools, messages });

  it('gets plain text unless it asks for a call', async () => {
    const content = [
      { type: 'text' as const, text: reminder },
      { type: 'text' as const, text: 'say hi' },
    ];
    const reply = await ask([{ role: 'user', content }]);
    expect(reply.content).toEqual([{ type: 'text', text: 'Hi from the Switchboard simulator. You wrote: say hi' }]);
  });

  it('runs the marked calls one per round with exactly these arguments, then quotes the results', async () => {
    const messages: Anthropic.MessageParam[] = [
      {
        role: 'user',
        content: 'First [[tool:Bash {"command":"echo hi"}]], then [[tool:Read {"file_path":"/a.png"}]].',
      },
    ];
    const inputs: unknown[] = [];
    for (let round = 0; round < 2; round += 1) {
      const reply = await ask(messages);
      const use = reply.content.find((block) => block.type === 'tool_use');
      inputs.push([use?.name, use?.input]);
      const result = { type: 'tool_result' as const, tool_use_id: use?.id ?? '', content: `output ${round}` };
      messages.push({ role: 'assistant', content: reply.content });
      messages.push({ role: 'user', content: [result, { type: 'text', text: reminder }] });
    }
    expect(inputs).toEqual([
      ['Bash', { command: 'echo hi' }],
      ['Read', { file_path: '/a.png' }],
    ]);
    expect((await ask(messages)).content).toEqual([{ type: 'text', text: 'Tool said: output 1' }]);
  });

  it('is told when the marked tool is not offered, and when a marker is broken', async () => {
    const reply = await ask([{ role: 'user', content: '[[tool:Missing]]' }]);
    expect(reply.content).toEqual([{ type: 'text', text: 'No tool named Missing is offered.' }]);
    await expect(ask([{ role: 'user', content: '[[tool:Bash {]]' }])).rejects.toMatchObject({ status: 400 });
  });

  it('can mark parallel calls through the other dialect too', async () => {
    const openai = new OpenAI({ baseURL: `${simulator.url}/v1`, apiKey: 'k', maxRetries: 0 });
    const completion = await openai.chat.completions.create({
      model: 'sim-any',
      messages: [{ role: 'user', content: '[[parallel]] [[tool:Bash {"command":"a"}]] [[tool:Read {"b":[[1]]}]]' }],
      tools: NAMES.map((name) => ({ type: 'function' as const, function: { name, parameters: schema } })),
    });
    const calls = completion.choices[0]?.message.tool_calls ?? [];
    expect(calls).toMatchObject([
      { function: { name: 'Bash', arguments: '{"command":"a"}' } },
      { function: { name: 'Read', arguments: '{"b":[[1]]}' } },
    ]);
  });

  it('refuses a request without a key in both dialects', async () => {
    for (const path of ['/v1/messages', '/v1/chat/completions']) {
      const response = await fetch(simulator.url + path, { method: 'POST', body: '{}' });
      expect(response.status).toBe(401);
    }
  });
});
