import OpenAINow from 'openai';
import OpenAIBefore from 'openai-4x';
import { startSimulator, type RunningSimulator } from '../index';

let simulator: RunningSimulator;
beforeAll(async () => {
  simulator = await startSimulator();
});
afterAll(() => simulator.close());
beforeEach(() => simulator.reset());

const PNG = `data:image/png;base64,${Buffer.alloc(68, 1).toString('base64')}`;
const WEATHER = {
  type: 'function' as const,
  function: {
    name: 'get_weather',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
};
const hello = { role: 'user' as const, content: 'hello' };

const VERSIONS = [
  ['7.x', OpenAINow],
  ['4.x', OpenAIBefore as unknown as typeof OpenAINow],
] as const;

describe.each(VERSIONS)('openai %s', (version, OpenAI) => {
  const client = (): OpenAINow => new OpenAI({ baseURL: `${simulator.url}/v1`, apiKey: 'any-key', maxRetries: 0 });

  it('creates a completion whose usage is what the simulator says it served', async () => {
    const completion = await client().chat.completions.create({ model: 'sim-any', messages: [hello] });
    expect(completion.choices[0]).toMatchObject({
      finish_reason: 'stop',
      message: { role: 'assistant', content: 'Hi from the Switchboard simulator. You wrote: hello', refusal: null },
    });
    const [served] = simulator.served().requests;
    expect(completion.usage).toMatchObject({
      prompt_tokens: served?.input_tokens,
      completion_tokens: served?.output_tokens,
    });
    expect(completion._request_id).toBe(served?.request_id);
  });

  it('streams role, content, finish and, only if asked, usage; null usage before it', async () => {
    const ask = { model: 'sim-any;chunks=3', messages: [hello], stream: true as const };
    const collect = async (options?: { include_usage: boolean }) => {
      const chunks = [];
      const stream = await client().chat.completions.create({
        ...ask,
        ...(options ? { stream_options: options } : {}),
      });
      for await (const chunk of stream) chunks.push(chunk);
      return chunks;
    };
    const plain = await collect();
    expect(plain.map((chunk) => chunk.choices[0]?.finish_reason)).toEqual([null, null, null, null, 'stop']);
    expect(plain[0]?.choices[0]?.delta).toEqual({ role: 'assistant', content: '', refusal: null });
    expect(plain.every((chunk) => !('usage' in chunk))).toBe(true);
    const metered = await collect({ include_usage: true });
    expect(metered.slice(0, -1).every((chunk) => chunk.usage === null)).toBe(true);
    expect(metered.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: expect.any(Number) } });
  });

  it.each(['', ';interleave'])('ends a tool loop with parallel calls in two rounds, streamed (%s)', async (setting) => {
    const ask = { model: `sim-any;parallel_tools=2${setting}`, tools: [WEATHER] };
    const calls: { id: string; json: string }[] = [];
    for await (const chunk of await client().chat.completions.create({ ...ask, messages: [hello], stream: true })) {
      for (const delta of chunk.choices[0]?.delta.tool_calls ?? []) {
        const call = (calls[delta.index] ??= { id: delta.id ?? '', json: '' });
        call.json += delta.function?.arguments ?? '';
      }
    }
    expect(calls.map((call) => JSON.parse(call.json) as unknown)).toEqual([{ city: 'city' }, { city: 'city' }]);
    const assistant = {
      role: 'assistant' as const,
      tool_calls: calls.map(({ id, json }) => ({
        id,
        type: 'function' as const,
        function: { name: 'get_weather', arguments: json },
      })),
    };
    const results = calls.map(({ id }, at) => ({
      role: 'tool' as const,
      tool_call_id: id,
      content: at === 0 ? '21 °C' : '[error] no such city',
    }));
    const picture = { role: 'user' as const, content: [{ type: 'image_url' as const, image_url: { url: PNG } }] };
    const second = await client().chat.completions.create({
      ...ask,
      messages: [hello, assistant, ...results, picture],
    });
    const text = 'Tool said: 21 °C\nTool failed: [error] no such city\nI see 1 image (image/png, 68 bytes).';
    expect(second.choices[0]?.message.content).toBe(text);
  });

  it('calls the tool a choice names, none on none, and one where parallel calls are off', async () => {
    const other = { type: 'function' as const, function: { name: 'other' } };
    const ask = { model: 'sim-any;parallel_tools=2', messages: [hello], tools: [WEATHER, other] };
    const names = async (more: object) => {
      const completion = await client().chat.completions.create({ ...ask, ...more });
      const calls = completion.choices[0]?.message.tool_calls ?? [];
      return calls.map((call) => (call.type === 'function' ? call.function.name : call.type));
    };
    expect(await names({ tool_choice: other })).toEqual(['other', 'other']);
    expect(await names({ tool_choice: 'none' })).toEqual([]);
    expect(await names({ parallel_tool_calls: false })).toEqual(['get_weather']);
    expect(await names({})).toEqual(['get_weather', 'other']);
  });

  it('shows reasoning only where the scenario says so and an effort was asked for', async () => {
    const ask = { model: 'sim-any;thinking=1', messages: [hello] };
    const shown = await client().chat.completions.create({ ...ask, reasoning_effort: 'low' });
    expect(shown.choices[0]?.message).toHaveProperty('reasoning_content');
    expect(shown.usage?.completion_tokens_details?.reasoning_tokens).toBeGreaterThan(0);
    const hidden = await client().chat.completions.create(ask);
    expect(hidden.choices[0]?.message).not.toHaveProperty('reasoning_content');
  });

  it('answers structured output with JSON of the schema', async () => {
    const schema = {
      type: 'object',
      additionalProperties: false,
      required: ['name'],
      properties: { name: { type: 'string' } },
    };
    const completion = await client().chat.completions.create({
      model: 'sim-any',
      messages: [hello],
      response_format: { type: 'json_schema', json_schema: { name: 'person', strict: true, schema } },
    });
    expect(completion.choices[0]?.message.content).toBe('{"name":"name"}');
  });

  it('gives n choices and counts the input once', async () => {
    const completion = await client().chat.completions.create({
      model: 'sim-any;input_tokens=5;output_tokens=3',
      messages: [hello],
      n: 2,
    });
    expect(completion.choices.map((choice) => choice.index)).toEqual([0, 1]);
    expect(completion.usage).toMatchObject({ prompt_tokens: 5, completion_tokens: 6, total_tokens: 11 });
  });

  it('says length when max_tokens cuts the arguments of a call', async () => {
    const completion = await client().chat.completions.create({
      model: 'sim-any',
      messages: [hello],
      tools: [WEATHER],
      max_completion_tokens: 4,
    });
    const call = completion.choices[0]?.message.tool_calls?.[0];
    expect(completion.choices[0]?.finish_reason).toBe('length');
    expect(call).toMatchObject({ function: { arguments: '{"cit' } });
  });

  it('embeds the same text to the same unit vector, as floats and as the base64 the SDK asks for', async () => {
    const ask = { model: 'sim-embedding', input: ['one', 'two'], dimensions: 8 };
    const decoded = await client().embeddings.create(ask);
    const floats = await client().embeddings.create({ ...ask, encoding_format: 'float' });
    expect(simulator.received(2)[0]?.body).toMatchObject({ encoding_format: 'base64' });
    const [one, two] = floats.data.map((entry) => entry.embedding);
    expect([...(decoded.data[0]?.embedding ?? [])]).toEqual(one);
    expect(one).not.toEqual(two);
    expect(Math.hypot(...(one ?? []))).toBeCloseTo(1, 5);
    expect(floats.usage.prompt_tokens).toBe(2);
  });

  it('lists models and retrieves one', async () => {
    const page = await client().models.list();
    expect(page.data.map((model) => model.id)).toContain('sim-any');
    await expect(client().models.retrieve('no/such')).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
  });

  it('retries a 429 when the simulator then recovers', async () => {
    const model = `sim-any;fail_first=1;status=429;retry_after=0;scenario=${version}`;
    await client().chat.completions.create({ model, messages: [hello] }, { maxRetries: 2 });
    expect(simulator.served().requests.map((request) => request.status)).toEqual([429, 200]);
  });

  it('raises the typed error of a status and of an error in mid-stream', async () => {
    const ask = { messages: [hello] };
    await expect(client().chat.completions.create({ ...ask, model: 'sim-any;status=500' })).rejects.toBeInstanceOf(
      OpenAI.InternalServerError,
    );
    const stream = await client().chat.completions.create({
      ...ask,
      model: 'sim-any;mid_stream_error=1',
      stream: true,
    });
    await expect(
      (async () => {
        for await (const chunk of stream) expect(chunk.object).toBe('chat.completion.chunk');
      })(),
    ).rejects.toThrow('Simulated failure in the middle of the stream');
  });
});
