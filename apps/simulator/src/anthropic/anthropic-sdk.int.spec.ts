import AnthropicNow from '@anthropic-ai/sdk';
import AnthropicBefore from '@anthropic-ai/sdk-0x';
import { startSimulator, type RunningSimulator } from '../index';

let simulator: RunningSimulator;
beforeAll(async () => {
  simulator = await startSimulator();
});
afterAll(() => simulator.close());
beforeEach(() => simulator.reset());

const PNG = Buffer.alloc(68, 1).toString('base64');
const WEATHER = {
  name: 'get_weather',
  description: 'Weather of a city',
  input_schema: { type: 'object' as const, properties: { city: { type: 'string' } }, required: ['city'] },
};
const hello = { role: 'user' as const, content: 'hello' };

// The calls used here are the same in both; only the headers on the wire differ.
const VERSIONS = [
  ['1.x', AnthropicNow],
  ['0.x', AnthropicBefore as unknown as typeof AnthropicNow],
] as const;

describe.each(VERSIONS)('@anthropic-ai/sdk %s', (_version, Anthropic) => {
  const client = (): AnthropicNow => new Anthropic({ baseURL: simulator.url, apiKey: 'any-key', maxRetries: 0 });

  it('creates a message whose usage is what the simulator says it served', async () => {
    const message = await client().messages.create({ model: 'sim-any', max_tokens: 100, messages: [hello] });
    expect(message.content).toEqual([{ type: 'text', text: 'Hi from the Switchboard simulator. You wrote: hello' }]);
    expect(message.stop_reason).toBe('end_turn');
    const [served] = simulator.served().requests;
    expect(message.usage).toMatchObject({ input_tokens: served?.input_tokens, output_tokens: served?.output_tokens });
    expect(message._request_id).toBe(served?.request_id);
  });

  it('streams the very message that create gives', async () => {
    const ask = { model: 'sim-any;thinking=1', max_tokens: 100, messages: [hello], tools: [WEATHER] };
    const streamed = await client().messages.stream(ask).finalMessage();
    const created = await client().messages.create(ask);
    expect(streamed.content).toEqual(created.content);
    expect(streamed.usage.output_tokens).toBe(created.usage.output_tokens);
    expect(streamed.stop_reason).toBe('tool_use');
  });

  it('ends a tool loop in two rounds, parallel calls and an image in a result included', async () => {
    const ask = { model: 'sim-any;parallel_tools=2', max_tokens: 500, tools: [WEATHER] };
    const first = await client().messages.create({ ...ask, messages: [hello] });
    const calls = first.content.filter((block) => block.type === 'tool_use');
    expect(calls.map((call) => call.input)).toEqual([{ city: 'city' }, { city: 'city' }]);
    const image = {
      type: 'image' as const,
      source: { type: 'base64' as const, media_type: 'image/png' as const, data: PNG },
    };
    const results = calls.map((call, at) => ({
      type: 'tool_result' as const,
      tool_use_id: call.id,
      ...(at === 0
        ? { content: [{ type: 'text' as const, text: '21 °C' }, image] }
        : { content: 'no such city', is_error: true }),
    }));
    const second = await client().messages.create({
      ...ask,
      messages: [hello, { role: 'assistant', content: first.content }, { role: 'user', content: results }],
    });
    const text = 'Tool said: 21 °C\nTool failed: no such city\nI see 1 image (image/png, 68 bytes).';
    expect(second.content).toEqual([{ type: 'text', text }]);
  });

  it('sees images and documents', async () => {
    const message = await client().messages.create({
      model: 'sim-any',
      max_tokens: 100,
      messages: [
        {
          role: 'user',
          content: [
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } },
            { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } },
            { type: 'document', title: 'T', source: { type: 'text', media_type: 'text/plain', data: 'four' } },
          ],
        },
      ],
    });
    expect(message.content[0]).toMatchObject({
      text:
        'Hi from the Switchboard simulator. I see 2 images (image/png, 68 bytes; https://example.com/a.png). ' +
        'I see 1 document (text/plain, 4 bytes, titled T).',
    });
  });

  it('accepts its own signed and redacted thinking in history and refuses a forged one', async () => {
    const ask = { max_tokens: 4000, thinking: { type: 'enabled' as const, budget_tokens: 1024 } };
    for (const model of ['sim-any', 'sim-any;thinking=redacted']) {
      const first = await client().messages.create({ ...ask, model, messages: [hello] });
      expect(first.content.map((block) => block.type)).toEqual([expect.stringMatching(/thinking/), 'text']);
      const history = [hello, { role: 'assistant' as const, content: first.content }, hello];
      await expect(client().messages.create({ ...ask, model, messages: history })).resolves.toBeDefined();
      const forged = JSON.parse(JSON.stringify(history).replaceAll('Sim1', 'Sim2')) as typeof history;
      await expect(client().messages.create({ ...ask, model, messages: forged })).rejects.toMatchObject({
        status: 400,
        message: expect.stringMatching(
          /messages\.1\.content\.0: Invalid `(signature|data)` in `(redacted_)?thinking` block/,
        ),
      });
    }
  });

  it('omits the thinking text, not its signature, on display: omitted', async () => {
    const message = await client().messages.create({
      model: 'sim-any',
      max_tokens: 4000,
      thinking: { type: 'adaptive', display: 'omitted' },
      messages: [hello],
    });
    expect(message.content[0]).toMatchObject({
      type: 'thinking',
      thinking: '',
      signature: expect.stringMatching(/^Sim1/),
    });
  });

  it('answers structured output with JSON of the schema', async () => {
    const schema = { type: 'object', required: ['age'], properties: { age: { type: 'integer', minimum: 3 } } };
    const message = await client().messages.create({
      model: 'sim-any',
      max_tokens: 100,
      messages: [hello],
      output_config: { format: { type: 'json_schema', schema } },
    });
    expect(message.content).toEqual([{ type: 'text', text: '{"age":3}' }]);
  });

  it('stops at max_tokens and at stop sequences, and bills no more', async () => {
    const ask = { model: 'sim-any;text=one%20two%20three', messages: [hello] };
    const cut = await client().messages.create({ ...ask, max_tokens: 1 });
    expect(cut).toMatchObject({ stop_reason: 'max_tokens', content: [{ text: 'one ' }], usage: { output_tokens: 1 } });
    const stopped = await client().messages.create({ ...ask, max_tokens: 50, stop_sequences: ['three', 'two'] });
    expect(stopped).toMatchObject({ stop_reason: 'stop_sequence', stop_sequence: 'two', content: [{ text: 'one ' }] });
  });

  it('counts what the same request then reports as input', async () => {
    const ask = { model: 'sim-any', messages: [hello], tools: [WEATHER], system: 'Be brief.' };
    const counted = await client().messages.countTokens(ask);
    const message = await client().messages.create({ ...ask, max_tokens: 100 });
    expect(counted.input_tokens).toBe(message.usage.input_tokens);
  });

  it('lists models page by page and retrieves one', async () => {
    const ids: string[] = [];
    for await (const model of client().models.list({ limit: 2 })) ids.push(model.id);
    expect(ids).toHaveLength(5);
    expect(await client().models.retrieve('sim-any')).toMatchObject({ id: 'sim-any', type: 'model' });
    await expect(client().models.retrieve('nothing')).rejects.toBeInstanceOf(Anthropic.NotFoundError);
  });

  it('retries a 429 when the simulator then recovers', async () => {
    const retrying = client().withOptions({ maxRetries: 2 });
    const model = `sim-any;fail_first=1;status=429;retry_after=0;scenario=${_version}`;
    await retrying.messages.create({ model, max_tokens: 100, messages: [hello] });
    expect(simulator.served().requests.map((request) => request.status)).toEqual([429, 200]);
  });

  it('raises the typed error of a status and of an error in mid-stream', async () => {
    const ask = { max_tokens: 100, messages: [hello] };
    await expect(client().messages.create({ ...ask, model: 'sim-any;status=429' })).rejects.toBeInstanceOf(
      Anthropic.RateLimitError,
    );
    const stream = client().messages.stream({ ...ask, model: 'sim-any;mid_stream_error=1' });
    await expect(stream.finalMessage()).rejects.toThrow('Simulated failure in the middle of the stream');
  });
});
