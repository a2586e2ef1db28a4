import OpenAINow from 'openai';
import OpenAIBefore from 'openai-4x';
import { KEY } from './gateway-config';
import {
  BODY_BYTES_MAX,
  eventually,
  modelId,
  MODEL_IDS,
  OTHER_MODELS_KEY,
  servedHeaders,
  textOnlyModelId,
  UPSTREAMS,
  type ScenarioName,
  type TwoUpstreams,
} from './two-upstreams';

type Completion = OpenAINow.Chat.Completions.ChatCompletion;
type Chunk = OpenAINow.Chat.Completions.ChatCompletionChunk;
type MessageParam = OpenAINow.Chat.Completions.ChatCompletionMessageParam;
type Request = OpenAINow.Chat.Completions.ChatCompletionCreateParamsNonStreaming;
/** The stream helpers: of the resource itself now, under `beta` before. */
type Helpers = Pick<OpenAINow['chat']['completions'], 'stream' | 'runTools' | 'parse'>;

const SDKS = [
  { sdk: '7.55', OpenAI: OpenAINow, helpersOf: (client: OpenAINow): Helpers => client.chat.completions },
  {
    sdk: '4.104',
    // The calls used here are the same in both, but for where the helpers stand.
    OpenAI: OpenAIBefore as unknown as typeof OpenAINow,
    helpersOf: (client: OpenAINow): Helpers => (client as unknown as OpenAIBefore).beta.chat.completions as never,
  },
];
const MATRIX = SDKS.flatMap((version) => UPSTREAMS.map((upstream) => ({ ...version, upstream })));

const PNG = `data:image/png;base64,${Buffer.alloc(68, 1).toString('base64')}`;
const hello: MessageParam = { role: 'user', content: 'hello' };
const GREETING = 'Hi from the Switchboard simulator. You wrote: hello';
const PICTURE = { type: 'image_url' as const, image_url: { url: PNG } };
const CITY = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const TOOLS = ['get_weather', 'get_time'].map((name) => ({
  type: 'function' as const,
  function: { name, description: `Does ${name}`, parameters: CITY },
}));

/** What every form of the gateway owes the OpenAI SDKs, two major versions of them before both upstream dialects. */
export function describeOpenAiSdks(start: () => Promise<TwoUpstreams>): void {
  let world: TwoUpstreams;
  beforeAll(async () => {
    world = await start();
  }, 120_000);
  afterAll(() => world?.stop(), 60_000);
  beforeEach(() => world.forget());

  describe.each(MATRIX)('openai $sdk before the $upstream upstream', ({ OpenAI, helpersOf, upstream }) => {
    const client = (options: object = {}): OpenAINow =>
      new OpenAI({ baseURL: `${world.gateway.url}/v1`, apiKey: KEY, maxRetries: 0, ...options });
    const helpers = (): Helpers => helpersOf(client());
    const ask = (scenario: ScenarioName = 'plain') => ({ model: modelId(upstream, scenario), messages: [hello] });
    const textOf = (completion: Completion): string => completion.choices[0]?.message.content ?? '';
    const chunksOf = async (request: object): Promise<Chunk[]> => {
      const stream = await client().chat.completions.create({ ...(request as Request), stream: true });
      const chunks: Chunk[] = [];
      for await (const chunk of stream) chunks.push(chunk);
      return chunks;
    };

    describe('create', () => {
      it('answers under the catalog id, with the usage that the upstream served', async () => {
        const messages: MessageParam[] = [{ role: 'system', content: 'Be brief.' }, hello];
        const completion = await client().chat.completions.create({ ...ask(), messages });
        expect(completion).toMatchObject({
          object: 'chat.completion',
          model: modelId(upstream),
          choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: GREETING } }],
        });
        const [served] = world.simulator.served().requests;
        expect(completion.usage).toMatchObject({
          prompt_tokens: served?.input_tokens,
          completion_tokens: served?.output_tokens,
          total_tokens: (served?.input_tokens ?? 0) + (served?.output_tokens ?? 0),
        });
        expect(served?.input_tokens).toBeGreaterThan(0);
      });

      it('tells the cost, cached input at its own price, streamed and not', async () => {
        const usage = {
          prompt_tokens: 140,
          completion_tokens: 30,
          prompt_tokens_details: { cached_tokens: 40 },
          // 100 at 3 USD, 40 at 0.30 USD, 30 at 15 USD per million.
          cost_usd: expect.closeTo(0.000762, 12),
        };
        expect((await client().chat.completions.create(ask('metered'))).usage).toMatchObject(usage);
        const chunks = await chunksOf({ ...ask('metered'), stream_options: { include_usage: true } });
        expect(chunks.at(-1)?.usage).toMatchObject(usage);
      });

      it('names request, upstream and attempts, and loses nothing', async () => {
        const { response, data } = await client().chat.completions.create(ask()).withResponse();
        const headers = servedHeaders(response.headers);
        expect(headers).toEqual({
          requestId: expect.stringMatching(/^req_[0-9a-f]{32}$/),
          sdkRequestId: headers.requestId,
          upstream,
          attempts: '1',
          losses: null,
        });
        expect((data as { _request_id?: string })._request_id).toBe(headers.requestId);
        expect(world.simulator.served().requests[0]?.request_id).toBe(headers.requestId);
      });

      it('reports what the other dialect cannot carry, and refuses it where translation is strict', async () => {
        const request = { ...ask(), logit_bias: { 50256: -100 } };
        const strict = { headers: { 'x-callmissed-translation': 'strict' } };
        const { response } = await client().chat.completions.create(request).withResponse();
        const { losses } = servedHeaders(response.headers);
        if (upstream === 'chat') {
          expect(losses).toBeNull();
          await expect(client().chat.completions.create(request, strict)).resolves.toHaveProperty('choices');
        } else {
          expect(losses).toMatch(/^logit_bias\b/);
          const error = await rejection(client().chat.completions.create(request, strict));
          expect(error).toBeInstanceOf(OpenAI.BadRequestError);
          expect(error.message).toContain('logit_bias');
        }
      });

      it('stops at max_tokens and says so', async () => {
        const completion = await client().chat.completions.create({ ...ask(), max_tokens: 2 });
        expect(completion).toMatchObject({ choices: [{ finish_reason: 'length' }], usage: { completion_tokens: 2 } });
      });

      it('stops at a stop sequence', async () => {
        const completion = await client().chat.completions.create({ ...ask(), stop: ['never said', ' from'] });
        expect(completion.choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: 'Hi' } });
      });

      it('gives the parse helper JSON of the schema that was asked for', async () => {
        const schema = {
          type: 'object',
          additionalProperties: false,
          required: ['age'],
          properties: { age: { type: 'integer', const: 7 } },
        };
        const completion = await helpers().parse({
          ...ask(),
          response_format: { type: 'json_schema', json_schema: { name: 'person', strict: true, schema } },
        });
        expect(completion.choices[0]?.message.parsed).toEqual({ age: 7 });
      });
    });

    describe('stream', () => {
      it('yields one role, the text, one finish, and no usage that was not asked for', async () => {
        const chunks = await chunksOf(ask());
        const choices = chunks.flatMap((chunk) => chunk.choices);
        expect(chunks.every((chunk) => chunk.choices.length === 1 && chunk.model === modelId(upstream))).toBe(true);
        expect(choices.flatMap((choice) => choice.delta.role ?? [])).toEqual(['assistant']);
        expect(choices.map((choice) => choice.delta.content ?? '').join('')).toBe(GREETING);
        expect(choices.flatMap((choice) => choice.finish_reason ?? [])).toEqual(['stop']);
        expect(choices.at(-1)?.finish_reason).toBe('stop');
        expect(chunks.every((chunk) => chunk.usage == null)).toBe(true);
        expect(new Set(chunks.map((chunk) => chunk.id)).size).toBe(1);
      });

      it('ends in the usage that the upstream served, where it was asked for', async () => {
        const chunks = await chunksOf({ ...ask(), stream_options: { include_usage: true } });
        const [served] = world.simulator.served().requests;
        expect(chunks.at(-1)).toMatchObject({
          choices: [],
          usage: { prompt_tokens: served?.input_tokens, completion_tokens: served?.output_tokens },
        });
        expect(chunks.slice(0, -1).every((chunk) => chunk.usage == null)).toBe(true);
      });

      it('carries the headers of the contract', async () => {
        const { response, data } = await client()
          .chat.completions.create({ ...ask(), stream: true })
          .withResponse();
        data.controller.abort();
        const headers = servedHeaders(response.headers);
        expect(headers).toMatchObject({ sdkRequestId: headers.requestId, upstream, attempts: '1', losses: null });
        expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
      });

      it('gives the helper the very completion that create gives, parallel tool calls included', async () => {
        const request = { ...ask('parallel'), tools: TOOLS };
        const streamed = await helpers().stream(request).finalChatCompletion();
        const created = await client().chat.completions.create(request);
        expect(callsOf(streamed)).toEqual([
          { name: 'get_weather', arguments: { city: 'city' } },
          { name: 'get_time', arguments: { city: 'city' } },
        ]);
        expect(callsOf(streamed)).toEqual(callsOf(created));
        expect(streamed).toMatchObject({
          model: modelId(upstream, 'parallel'),
          choices: [{ finish_reason: 'tool_calls' }],
        });
        expect(created.choices[0]).toMatchObject({ finish_reason: 'tool_calls' });
      });

      it('lets the helper emit text as it comes', async () => {
        const stream = helpers().stream(ask());
        let text = '';
        stream.on('content', (delta) => (text += delta));
        expect(await stream.finalContent()).toBe(GREETING);
        expect(text).toBe(GREETING);
      });

      it('shows the reasoning of a model that reasons', async () => {
        const chunks = await chunksOf({ ...ask('thinking'), reasoning_effort: 'low' });
        const deltas = chunks.map((chunk) => chunk.choices[0]?.delta as { reasoning_content?: string } | undefined);
        const reasoning = deltas.map((delta) => delta?.reasoning_content ?? '').join('');
        expect(reasoning).toContain('I have read 1 turn');
      });

      it.each(['breaking', 'truncated'] as const)(
        'raises an error when the upstream’s stream is %s',
        async (scenario) => {
          const stream = await client().chat.completions.create({ ...ask(scenario), stream: true });
          let text = '';
          const read = async (): Promise<void> => {
            for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
          };
          await expect(read()).rejects.toBeInstanceOf(OpenAI.APIError);
          expect(text.length).toBeGreaterThan(0);
        },
      );
    });

    describe('a tool loop', () => {
      const sequential = '[[tool:get_weather {"city":"Paris"}]] [[tool:get_time {"city":"Rome"}]]';
      const calls = [
        { name: 'get_weather', arguments: { city: 'Paris' } },
        { name: 'get_time', arguments: { city: 'Rome' } },
      ];

      describe.each([
        ['created', (request: Request): Promise<Completion> => client().chat.completions.create(request)],
        [
          'streamed',
          (request: Request): Promise<Completion> =>
            helpers()
              .stream(request as never)
              .finalChatCompletion(),
        ],
      ])('%s', (_how, send) => {
        it('runs two rounds, then answers from the last result', async () => {
          const { rounds, answer } = await converse(send, { ...ask(), tools: TOOLS }, sequential);
          expect(rounds).toEqual([[calls[0]], [calls[1]]]);
          expect(textOf(answer)).toBe('Tool said: get_time of Rome');
        });

        it('runs parallel calls in one round and answers from all results, in order', async () => {
          const { rounds, answer } = await converse(send, { ...ask(), tools: TOOLS }, `[[parallel]] ${sequential}`);
          expect(rounds).toEqual([calls]);
          expect(textOf(answer)).toBe('Tool said: get_weather of Paris\nTool said: get_time of Rome');
        });
      });

      it.each([{ stream: false }, { stream: true }])('runs in runTools (stream: $stream)', async ({ stream }) => {
        const ran: string[] = [];
        const tools = TOOLS.map(({ type, function: { name, description, parameters } }) => ({
          type,
          function: {
            name,
            description,
            parameters,
            parse: JSON.parse,
            function: ({ city }: { city: string }) => {
              ran.push(`${name} ${city}`);
              return `${name} of ${city}`;
            },
          },
        }));
        const messages = [{ role: 'user', content: sequential }];
        const runner = helpers().runTools({ ...ask(), messages, tools, stream } as never) as unknown as {
          finalContent(): Promise<string | null>;
        };
        expect(await runner.finalContent()).toBe('Tool said: get_time of Rome');
        expect(ran).toEqual(['get_weather Paris', 'get_time Rome']);
        expect(world.simulator.served().totals.requests).toBe(3);
      });
    });

    it('shows the model images by value and by address', async () => {
      const byUrl = { type: 'image_url' as const, image_url: { url: 'https://example.com/a.png' } };
      const content = [{ type: 'text' as const, text: 'look' }, PICTURE, byUrl];
      const completion = await client().chat.completions.create({ ...ask(), messages: [{ role: 'user', content }] });
      expect(textOf(completion)).toContain('I see 2 images (image/png, 68 bytes; https://example.com/a.png).');
    });

    describe('an error', () => {
      it('400: a required parameter is missing, in the API’s own words', async () => {
        const error = await rejection(client().chat.completions.create({ model: modelId(upstream) } as Request));
        expect(error).toBeInstanceOf(OpenAI.BadRequestError);
        expect(error).toMatchObject({
          status: 400,
          type: 'invalid_request_error',
          param: 'messages',
          message: expect.stringContaining("Missing required parameter: 'messages'."),
        });
        expect(headerOf(error, 'x-request-id')).toMatch(/^req_/);
        expect(world.simulator.served().totals.requests).toBe(0);
      });

      it('400: an image for a model without vision, before any upstream call', async () => {
        const messages = [{ role: 'user' as const, content: [PICTURE] }];
        const error = await rejection(client().chat.completions.create({ model: textOnlyModelId(upstream), messages }));
        expect(error).toBeInstanceOf(OpenAI.BadRequestError);
        expect(error.message).toContain('does not support image input');
        expect(error.param).toBe('messages');
        expect(world.simulator.served().totals.requests).toBe(0);
      });

      it('401: an unknown key, at once, without a retry', async () => {
        let exchanges = 0;
        const stranger = client({
          apiKey: 'cm_test_unknown',
          maxRetries: 2,
          fetch: (url: string, init: RequestInit) => (exchanges++, fetch(url, init)),
        });
        const error = await rejection(stranger.chat.completions.create(ask()));
        expect(error).toBeInstanceOf(OpenAI.AuthenticationError);
        expect(error).toMatchObject({ type: 'invalid_request_error', code: 'invalid_api_key' });
        expect(headerOf(error, 'x-should-retry')).toBe('false');
        expect(exchanges).toBe(1);
      });

      it('403: a model that the key may not use', async () => {
        const error = await rejection(client({ apiKey: OTHER_MODELS_KEY }).chat.completions.create(ask()));
        expect(error).toBeInstanceOf(OpenAI.PermissionDeniedError);
        expect(error).toMatchObject({ type: 'permission_error', code: 'model_not_allowed' });
      });

      it('404: an unknown model, naming the closest', async () => {
        const unknown = client().chat.completions.create({ ...ask(), model: `test/plain-on-${upstream}s` });
        const error = await rejection(unknown);
        expect(error).toBeInstanceOf(OpenAI.NotFoundError);
        expect(error).toMatchObject({ type: 'invalid_request_error', code: 'model_not_found', param: 'model' });
        expect(error.message).toContain(modelId(upstream));
      });

      it('413: a body beyond the limit', async () => {
        const messages = [{ role: 'user' as const, content: 'x'.repeat(BODY_BYTES_MAX) }];
        const error = await rejection(client().chat.completions.create({ ...ask(), messages }));
        expect(error).toBeInstanceOf(OpenAI.APIError);
        expect(error).toMatchObject({ status: 413, type: 'invalid_request_error', code: 'request_too_large' });
      });

      it('422: the upstream’s own refusal, with its status and words', async () => {
        const error = await rejection(client().chat.completions.create(ask('refusing')));
        expect(error).toBeInstanceOf(OpenAI.UnprocessableEntityError);
        expect(error.message).toContain('Simulated failure 422');
        expect(error.type).toBe('invalid_request_error');
      });

      it.each([false, true])('429: a busy upstream, with its retry-after (stream: %s)', async (stream) => {
        const error = await rejection(client().chat.completions.create({ ...ask('busy'), stream }));
        expect(error).toBeInstanceOf(OpenAI.RateLimitError);
        // What is left of the seven seconds that the upstream asked for when it was last met.
        expect(headerOf(error, 'retry-after')).toMatch(/^[1-7]$/);
        expect(error.type).toBe('rate_limit_exceeded');
      });

      it('503: an overloaded upstream, which this API has no 529 for', async () => {
        const error = await rejection(client().chat.completions.create(ask('overloaded')));
        expect(error).toBeInstanceOf(OpenAI.InternalServerError);
        expect(error).toMatchObject({ status: 503, type: 'server_error', code: 'overloaded' });
      });
    });

    it('is retried by the SDK on 429, after as long as retry-after says, and succeeds', async () => {
      const startedMs = Date.now();
      const completion = await client({ maxRetries: 2 }).chat.completions.create(ask('recovering'));
      expect(textOf(completion)).toBe(GREETING);
      expect(Date.now() - startedMs).toBeGreaterThanOrEqual(950);
      expect(world.simulator.served().requests.map(({ status }) => status)).toEqual([429, 200]);
    });

    it('lists the models and retrieves one, by an id with a slash', async () => {
      const ids: string[] = [];
      for await (const model of client().models.list()) ids.push(model.id);
      expect(ids).toEqual(MODEL_IDS);
      expect(await client().models.retrieve(modelId(upstream))).toMatchObject({
        id: modelId(upstream),
        object: 'model',
        created: expect.any(Number),
        owned_by: 'test',
      });
      await expect(client().models.retrieve('test/nothing')).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    });

    it('cancels the upstream call when the client aborts in mid-stream', async () => {
      const controller = new AbortController();
      const request = { ...ask('slow'), stream: true as const };
      const stream = await client().chat.completions.create(request, { signal: controller.signal });
      let deltas = 0;
      for await (const chunk of stream) {
        if (chunk.choices[0]?.delta.content && ++deltas === 3) controller.abort();
      }
      expect(deltas).toBeLessThan(10);
      await eventually(() => world.simulator.served().requests[0]?.outcome === 'aborted');
    });

    it('cancels the upstream call when the client aborts before the reply', async () => {
      const controller = new AbortController();
      const reply = rejection(client().chat.completions.create(ask('silent'), { signal: controller.signal }));
      await eventually(() => world.simulator.served().totals.requests === 1);
      controller.abort();
      expect(await reply).toBeInstanceOf(OpenAI.APIUserAbortError);
      await eventually(() => world.simulator.served().requests[0]?.outcome === 'aborted');
    });
  });
}

interface Call {
  name: string;
  arguments: unknown;
}

/** Answers every call with `NAME of CITY` until the model asks for no more. */
async function converse(
  send: (request: Request) => Promise<Completion>,
  request: Request,
  question: string,
): Promise<{ rounds: Call[][]; answer: Completion }> {
  const messages: MessageParam[] = [{ role: 'user', content: question }];
  const rounds: Call[][] = [];
  for (;;) {
    const answer = await send({ ...request, messages: [...messages] });
    const [choice] = answer.choices;
    const made = callsOf(answer);
    expect(choice?.finish_reason).toBe(made.length > 0 ? 'tool_calls' : 'stop');
    if (choice === undefined || made.length === 0) return { rounds, answer };
    rounds.push(made);
    messages.push(choice.message);
    choice.message.tool_calls?.forEach(({ id }, at) => {
      const call = made[at];
      const content = `${call?.name} of ${(call?.arguments as { city: string }).city}`;
      messages.push({ role: 'tool', tool_call_id: id, content });
    });
  }
}

function callsOf(completion: Completion): Call[] {
  const calls = completion.choices[0]?.message.tool_calls ?? [];
  return calls.map((call) => {
    if (call.type !== 'function') throw new Error(`a call of type ${call.type}`);
    return { name: call.function.name, arguments: JSON.parse(call.function.arguments) as unknown };
  });
}

/** 4.x keeps the headers of an error as a plain record. */
function headerOf({ headers }: { headers: unknown }, name: string): unknown {
  return headers instanceof Headers ? headers.get(name) : (headers as Record<string, string>)[name];
}

async function rejection(call: PromiseLike<unknown>): Promise<InstanceType<typeof OpenAINow.APIError>> {
  try {
    await call;
  } catch (error) {
    return error as InstanceType<typeof OpenAINow.APIError>;
  }
  throw new Error('the call succeeded');
}
