import AnthropicNow from '@anthropic-ai/sdk';
import { betaTool as betaToolNow } from '@anthropic-ai/sdk/helpers/beta/json-schema';
import AnthropicBefore from '@anthropic-ai/sdk-0x';
import { betaTool as betaToolBefore } from '@anthropic-ai/sdk-0x/helpers/beta/json-schema';
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

type Message = AnthropicNow.Message;
type MessageParam = AnthropicNow.MessageParam;

const SDKS = [
  { sdk: '1.11', Anthropic: AnthropicNow, betaTool: betaToolNow },
  // The calls used here are the same in both; headers and some defaults on the wire differ.
  {
    sdk: '0.137',
    Anthropic: AnthropicBefore as unknown as typeof AnthropicNow,
    betaTool: betaToolBefore as unknown as typeof betaToolNow,
  },
];
const MATRIX = SDKS.flatMap((version) => UPSTREAMS.map((upstream) => ({ ...version, upstream })));

const PNG = Buffer.alloc(68, 1).toString('base64');
const hello: MessageParam = { role: 'user', content: 'hello' };
const GREETING = 'Hi from the Switchboard simulator. You wrote: hello';
const IMAGE = {
  type: 'image' as const,
  source: { type: 'base64' as const, media_type: 'image/png' as const, data: PNG },
};
const CITY = { type: 'object' as const, properties: { city: { type: 'string' as const } }, required: ['city'] };
const TOOLS = [
  { name: 'get_weather', description: 'Weather of a city', input_schema: CITY },
  { name: 'get_time', description: 'Local time of a city', input_schema: CITY },
];

/** What every form of the gateway owes the Anthropic SDKs, two major versions of them before both upstream dialects. */
export function describeAnthropicSdks(start: () => Promise<TwoUpstreams>): void {
  let world: TwoUpstreams;
  beforeAll(async () => {
    world = await start();
  }, 120_000);
  afterAll(() => world?.stop(), 60_000);
  beforeEach(() => world.forget());

  describe.each(MATRIX)('@anthropic-ai/sdk $sdk before the $upstream upstream', ({ Anthropic, betaTool, upstream }) => {
    const client = (options: object = {}): AnthropicNow =>
      new Anthropic({ baseURL: world.gateway.url, apiKey: KEY, maxRetries: 0, ...options });
    const ask = (scenario: ScenarioName = 'plain') => ({
      model: modelId(upstream, scenario),
      max_tokens: 1000,
      messages: [hello],
    });
    const textOf = ({ content }: Pick<Message, 'content'>): string =>
      content.map((block) => (block.type === 'text' ? block.text : '')).join('');

    describe('create', () => {
      it('answers under the catalog id, with the usage that the upstream served', async () => {
        const message = await client().messages.create({ ...ask(), system: 'Be brief.' });
        expect(message).toMatchObject({
          type: 'message',
          role: 'assistant',
          model: modelId(upstream),
          stop_reason: 'end_turn',
          content: [{ type: 'text', text: GREETING }],
        });
        const [served] = world.simulator.served().requests;
        expect(message.usage).toMatchObject({
          input_tokens: served?.input_tokens,
          output_tokens: served?.output_tokens,
        });
        expect(served?.input_tokens).toBeGreaterThan(0);
      });

      it('counts cached input apart, streamed and not', async () => {
        const usage = { input_tokens: 100, cache_read_input_tokens: 40, output_tokens: 30 };
        const request = ask('metered');
        expect((await client().messages.create(request)).usage).toMatchObject(usage);
        expect((await client().messages.stream(request).finalMessage()).usage).toMatchObject(usage);
      });

      it('names request, upstream and attempts, and loses nothing', async () => {
        const { response, request_id } = await client().messages.create(ask()).withResponse();
        const headers = servedHeaders(response.headers);
        expect(headers).toEqual({
          requestId: expect.stringMatching(/^req_[0-9a-f]{32}$/),
          sdkRequestId: headers.requestId,
          upstream,
          attempts: '1',
          losses: null,
        });
        expect(request_id).toBe(headers.requestId);
        expect(world.simulator.served().requests[0]?.request_id).toBe(headers.requestId);
      });

      it('reports what the other dialect cannot carry, and refuses it where translation is strict', async () => {
        const cached = { type: 'text' as const, text: 'Be brief.', cache_control: { type: 'ephemeral' as const } };
        const request = { ...ask(), system: [cached] };
        const strict = { headers: { 'x-callmissed-translation': 'strict' } };
        const { response } = await client().messages.create(request).withResponse();
        const { losses } = servedHeaders(response.headers);
        if (upstream === 'anthropic') {
          expect(losses).toBeNull();
          await expect(client().messages.create(request, strict)).resolves.toMatchObject({ stop_reason: 'end_turn' });
        } else {
          expect(losses).toMatch(/^cache_control\b/);
          const error = await rejection(client().messages.create(request, strict));
          expect(error).toBeInstanceOf(Anthropic.BadRequestError);
          expect(error.message).toContain('cache_control');
        }
      });

      it('stops at max_tokens and says so', async () => {
        const message = await client().messages.create({ ...ask(), max_tokens: 2 });
        expect(message).toMatchObject({ stop_reason: 'max_tokens', usage: { output_tokens: 2 } });
      });

      it('stops at a stop sequence, and names it where the upstream tells which it was', async () => {
        const message = await client().messages.create({ ...ask(), stop_sequences: ['never said', ' from'] });
        expect(textOf(message)).toBe('Hi');
        // Chat's `stop` says neither that a sequence hit nor which.
        const told = { stop_reason: 'stop_sequence', stop_sequence: ' from' };
        expect(message).toMatchObject(
          upstream === 'anthropic' ? told : { stop_reason: 'end_turn', stop_sequence: null },
        );
      });

      it('gives JSON of the schema that was asked for', async () => {
        const schema = {
          type: 'object',
          additionalProperties: false,
          required: ['age'],
          properties: { age: { const: 7 } },
        };
        const message = await client().messages.create({
          ...ask(),
          output_config: { format: { type: 'json_schema', schema } },
        });
        expect(JSON.parse(textOf(message))).toEqual({ age: 7 });
      });
    });

    describe('stream', () => {
      it('yields the events of the protocol, in order, that add up to what create gives', async () => {
        const events = [];
        for await (const event of await client().messages.create({ ...ask(), stream: true })) events.push(event);
        const types = events.map((event) => event.type);
        expect(types.filter((type) => type !== 'content_block_delta' && (type as string) !== 'ping')).toEqual([
          'message_start',
          'content_block_start',
          'content_block_stop',
          'message_delta',
          'message_stop',
        ]);
        const text = events.map((event) =>
          event.type === 'content_block_delta' && event.delta.type === 'text_delta' ? event.delta.text : '',
        );
        expect(text.join('')).toBe(GREETING);
        expect(events[0]).toMatchObject({
          message: {
            model: modelId(upstream),
            role: 'assistant',
            content: [],
            usage: { input_tokens: expect.any(Number) },
          },
        });
        const [served] = world.simulator.served().requests;
        expect(events.find((event) => event.type === 'message_delta')).toMatchObject({
          delta: { stop_reason: 'end_turn' },
          usage: { input_tokens: served?.input_tokens, output_tokens: served?.output_tokens },
        });
      });

      it('carries the headers of the contract', async () => {
        const { response, data } = await client()
          .messages.create({ ...ask(), stream: true })
          .withResponse();
        data.controller.abort();
        const headers = servedHeaders(response.headers);
        expect(headers).toMatchObject({ sdkRequestId: headers.requestId, upstream, attempts: '1', losses: null });
        expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
      });

      it('gives the helper the very message that create gives, tool calls included', async () => {
        const request = { ...ask('parallel'), tools: TOOLS };
        const stream = client().messages.stream(request);
        const inputs: unknown[] = [];
        stream.on('contentBlock', (block) => block.type === 'tool_use' && inputs.push(block.input));
        const streamed = await stream.finalMessage();
        const created = await client().messages.create(request);
        expect(inputs).toEqual([{ city: 'city' }, { city: 'city' }]);
        expect(withoutId(streamed.content)).toEqual(withoutId(created.content));
        expect(streamed).toMatchObject({ stop_reason: 'tool_use', model: modelId(upstream, 'parallel') });
        expect(streamed.usage.output_tokens).toBe(created.usage.output_tokens);
      });

      it('lets the helper emit text as it comes', async () => {
        const stream = client().messages.stream(ask());
        let text = '';
        stream.on('text', (delta) => (text += delta));
        expect(await stream.finalText()).toBe(GREETING);
        expect(text).toBe(GREETING);
      });

      it('shows the thinking of a model that thinks before its text', async () => {
        const request = {
          ...ask('thinking'),
          max_tokens: 4000,
          thinking: { type: 'enabled' as const, budget_tokens: 1024 },
        };
        const message = await client().messages.stream(request).finalMessage();
        expect(message.content.map((block) => block.type)).toEqual(['thinking', 'text']);
        expect(message.content[0]).toMatchObject({ thinking: expect.stringContaining('I have read 1 turn') });
      });

      it.each(['breaking', 'truncated'] as const)(
        'raises an error when the upstream’s stream is %s',
        async (scenario) => {
          const received: string[] = [];
          const stream = client().messages.stream(ask(scenario));
          stream.on('text', (delta) => received.push(delta));
          await expect(stream.finalMessage()).rejects.toBeInstanceOf(Anthropic.APIError);
          expect(received.join('').length).toBeGreaterThan(0);
        },
      );
    });

    describe('a tool loop', () => {
      const sequential = '[[tool:get_weather {"city":"Paris"}]] [[tool:get_time {"city":"Rome"}]]';
      const calls = [
        { name: 'get_weather', input: { city: 'Paris' } },
        { name: 'get_time', input: { city: 'Rome' } },
      ];

      describe.each([
        ['created', (request: AnthropicNow.MessageCreateParamsNonStreaming) => client().messages.create(request)],
        [
          'streamed',
          (request: AnthropicNow.MessageCreateParamsNonStreaming) => client().messages.stream(request).finalMessage(),
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

      it('brings an image and a failure in the results of parallel calls to the model', async () => {
        const request = { ...ask('parallel'), tools: TOOLS };
        const first = await client().messages.create(request);
        const ids = first.content.flatMap((block) => (block.type === 'tool_use' ? [block.id] : []));
        expect(new Set(ids).size).toBe(2);
        const results = ids.map((tool_use_id, at) => ({
          type: 'tool_result' as const,
          tool_use_id,
          ...(at === 0
            ? { content: [{ type: 'text' as const, text: '21 °C' }, IMAGE] }
            : { content: 'no such city', is_error: true }),
        }));
        const second = await client().messages.create({
          ...request,
          messages: [hello, { role: 'assistant', content: first.content }, { role: 'user', content: results }],
        });
        expect(textOf(second)).toContain('Tool said: 21 °C');
        expect(textOf(second)).toMatch(/Tool failed: [^]*no such city/);
        expect(textOf(second)).toContain('I see 1 image (image/png, 68 bytes).');
      });

      it.each([{ stream: false }, { stream: true }])('runs in toolRunner (stream: $stream)', async ({ stream }) => {
        const exchanges: { status: number; thread: unknown; messages: number }[] = [];
        const fetchAndNote = async (url: string, init: RequestInit): Promise<Response> => {
          const response = await fetch(url, init);
          const body = JSON.parse(init.body as string) as { thread?: unknown; messages: unknown[] };
          exchanges.push({ status: response.status, thread: body.thread, messages: body.messages.length });
          return response;
        };
        const ran: string[] = [];
        const tools = TOOLS.map(({ name, description }) =>
          betaTool({
            name,
            description,
            inputSchema: CITY,
            run: ({ city }) => {
              ran.push(`${name} ${String(city)}`);
              return `${name} of ${String(city)}`;
            },
          }),
        );
        const final = await client({ fetch: fetchAndNote })
          .beta.messages.toolRunner({
            ...ask(),
            messages: [{ role: 'user', content: sequential }],
            tools,
            stream,
          } as never)
          .runUntilDone();
        expect(ran).toEqual(['get_weather Paris', 'get_time Rome']);
        expect(textOf(final as Message)).toBe('Tool said: get_time of Rome');
        // 1.x asks for a server-side thread, is told that there is none, and sends the whole conversation from then on.
        const answered = exchanges.filter(({ status }) => status === 200);
        expect(answered.map(({ thread, messages }) => ({ thread, messages }))).toEqual([
          { thread: undefined, messages: 1 },
          { thread: undefined, messages: 3 },
          { thread: undefined, messages: 5 },
        ]);
        expect(exchanges.filter(({ status }) => status !== 200)).toEqual(
          Anthropic === AnthropicNow ? [{ status: 400, thread: { type: 'create' }, messages: 1 }] : [],
        );
        expect(world.simulator.served().totals.requests).toBe(3);
      });
    });

    it('shows the model images by value and by address', async () => {
      const byUrl = { type: 'image' as const, source: { type: 'url' as const, url: 'https://example.com/a.png' } };
      const content = [{ type: 'text' as const, text: 'look' }, IMAGE, byUrl];
      const message = await client().messages.create({ ...ask(), messages: [{ role: 'user', content }] });
      expect(textOf(message)).toContain('I see 2 images (image/png, 68 bytes; https://example.com/a.png).');
    });

    describe('an error', () => {
      it('400: a required parameter is missing, in the API’s own words', async () => {
        const { max_tokens: _left, ...rest } = ask();
        const error = await rejection(client().messages.create(rest as AnthropicNow.MessageCreateParamsNonStreaming));
        expect(error).toBeInstanceOf(Anthropic.BadRequestError);
        expect(error).toMatchObject({
          status: 400,
          requestID: expect.stringMatching(/^req_/),
          error: {
            type: 'error',
            request_id: error.requestID,
            error: { type: 'invalid_request_error', message: 'max_tokens: Field required' },
          },
        });
        expect(world.simulator.served().totals.requests).toBe(0);
      });

      it('400: an image for a model without vision, before any upstream call', async () => {
        const request = {
          ...ask(),
          model: textOnlyModelId(upstream),
          messages: [{ role: 'user' as const, content: [IMAGE] }],
        };
        const error = await rejection(client().messages.create(request));
        expect(error).toBeInstanceOf(Anthropic.BadRequestError);
        expect(error.message).toContain('does not support image input');
        expect(world.simulator.served().totals.requests).toBe(0);
      });

      it('401: an unknown key, at once, without a retry', async () => {
        const statuses: number[] = [];
        const fetchAndNote = async (url: string, init: RequestInit): Promise<Response> => {
          const response = await fetch(url, init);
          statuses.push(response.status);
          return response;
        };
        const stranger = client({ apiKey: 'cm_test_unknown', maxRetries: 2, fetch: fetchAndNote });
        const error = await rejection(stranger.messages.create(ask()));
        expect(error).toBeInstanceOf(Anthropic.AuthenticationError);
        expect(error.headers?.get('x-should-retry')).toBe('false');
        expect(error).toMatchObject({ error: { error: { type: 'authentication_error' } } });
        expect(statuses).toEqual([401]);
      });

      it('403: a model that the key may not use', async () => {
        const error = await rejection(client({ apiKey: OTHER_MODELS_KEY }).messages.create(ask()));
        expect(error).toBeInstanceOf(Anthropic.PermissionDeniedError);
        expect(error).toMatchObject({ error: { error: { type: 'permission_error' } } });
      });

      it('404: an unknown model, naming the closest', async () => {
        const error = await rejection(client().messages.create({ ...ask(), model: `test/plain-on-${upstream}s` }));
        expect(error).toBeInstanceOf(Anthropic.NotFoundError);
        expect(error.message).toContain(modelId(upstream));
        expect(error).toMatchObject({ error: { error: { type: 'not_found_error' } } });
      });

      it('413: a body beyond the limit', async () => {
        const content = 'x'.repeat(BODY_BYTES_MAX);
        const error = await rejection(client().messages.create({ ...ask(), messages: [{ role: 'user', content }] }));
        expect(error).toBeInstanceOf(Anthropic === AnthropicNow ? Anthropic.ContentTooLargeError : Anthropic.APIError);
        expect(error).toMatchObject({ status: 413, error: { error: { type: 'request_too_large' } } });
      });

      it('422: the upstream’s own refusal, with its status and words', async () => {
        const error = await rejection(client().messages.create(ask('refusing')));
        expect(error).toBeInstanceOf(Anthropic.UnprocessableEntityError);
        expect(error.message).toContain('Simulated failure 422');
        expect(error).toMatchObject({ error: { type: 'error', error: { type: 'invalid_request_error' } } });
      });

      it.each([false, true])('429: a busy upstream, with its retry-after (stream: %s)', async (stream) => {
        const error = await rejection(client().messages.create({ ...ask('busy'), stream }));
        expect(error).toBeInstanceOf(Anthropic.RateLimitError);
        // What is left of the seven seconds that the upstream asked for when it was last met.
        expect(error.headers?.get('retry-after')).toMatch(/^[1-7]$/);
        expect(error).toMatchObject({ error: { error: { type: 'rate_limit_error' } } });
      });

      it('529: an overloaded upstream', async () => {
        const error = await rejection(client().messages.create(ask('overloaded')));
        expect(error).toBeInstanceOf(Anthropic.InternalServerError);
        expect(error).toMatchObject({ status: 529, error: { error: { type: 'overloaded_error' } } });
      });
    });

    it('is retried by the SDK on 429, after as long as retry-after says, and succeeds', async () => {
      const startedMs = Date.now();
      const message = await client({ maxRetries: 2 }).messages.create(ask('recovering'));
      expect(textOf(message)).toBe(GREETING);
      expect(Date.now() - startedMs).toBeGreaterThanOrEqual(950);
      expect(world.simulator.served().requests.map(({ status }) => status)).toEqual([429, 200]);
    });

    it('counts tokens, more of them for tools and images', async () => {
      const request = {
        model: modelId(upstream),
        system: 'You are a helpful assistant.',
        messages: [{ role: 'user' as const, content: 'Hello, how are you?' }],
      };
      const { data, response } = await client().messages.countTokens(request).withResponse();
      expect(data.input_tokens).toBeGreaterThanOrEqual(12);
      expect(data.input_tokens).toBeLessThanOrEqual(18);
      expect(response.headers.get('x-callmissed-token-count')).toBe('estimate');
      expect(response.headers.get('request-id')).toBe(response.headers.get('x-callmissed-request-id'));
      const withTools = await client().messages.countTokens({ ...request, tools: TOOLS });
      expect(withTools.input_tokens).toBeGreaterThan(data.input_tokens + 20);
      const withImage = await client().messages.countTokens({
        ...request,
        messages: [{ role: 'user', content: [{ type: 'text', text: 'Hello, how are you?' }, IMAGE] }],
      });
      expect(withImage.input_tokens - data.input_tokens).toBe(258);
    });

    it('lists the models page by page and retrieves one', async () => {
      const ids: string[] = [];
      for await (const model of client().models.list({ limit: 3 })) ids.push(model.id);
      expect(ids).toEqual(MODEL_IDS);
      expect(await client().models.retrieve(modelId(upstream))).toMatchObject({
        type: 'model',
        id: modelId(upstream),
        max_tokens: 64_000,
        pricing: { input: 3, output: 15, unit: 'per_million_tokens', currency: 'USD' },
      });
      await expect(client().models.retrieve('test/nothing')).rejects.toBeInstanceOf(Anthropic.NotFoundError);
    });

    it('cancels the upstream call when the client aborts in mid-stream', async () => {
      const controller = new AbortController();
      const stream = await client().messages.create({ ...ask('slow'), stream: true }, { signal: controller.signal });
      let deltas = 0;
      for await (const event of stream) {
        if (event.type === 'content_block_delta' && ++deltas === 3) controller.abort();
      }
      expect(deltas).toBeLessThan(10);
      await eventually(() => world.simulator.served().requests[0]?.outcome === 'aborted');
    });

    it('cancels the upstream call when the client aborts before the reply', async () => {
      const controller = new AbortController();
      const reply = rejection(client().messages.create(ask('silent'), { signal: controller.signal }));
      await eventually(() => world.simulator.served().totals.requests === 1);
      controller.abort();
      expect(await reply).toBeInstanceOf(Anthropic.APIUserAbortError);
      await eventually(() => world.simulator.served().requests[0]?.outcome === 'aborted');
    });
  });
}

/** Answers every call with `NAME of CITY` until the model asks for no more. */
async function converse(
  send: (request: AnthropicNow.MessageCreateParamsNonStreaming) => Promise<Message>,
  request: AnthropicNow.MessageCreateParamsNonStreaming,
  question: string,
): Promise<{ rounds: { name: string; input: unknown }[][]; answer: Message }> {
  const messages: MessageParam[] = [{ role: 'user', content: question }];
  const rounds: { name: string; input: unknown }[][] = [];
  for (;;) {
    const answer = await send({ ...request, messages });
    const uses = answer.content.filter((block) => block.type === 'tool_use');
    expect(answer.stop_reason).toBe(uses.length > 0 ? 'tool_use' : 'end_turn');
    if (uses.length === 0) return { rounds, answer };
    rounds.push(uses.map(({ name, input }) => ({ name, input })));
    const results = uses.map(({ id, name, input }) => ({
      type: 'tool_result' as const,
      tool_use_id: id,
      content: `${name} of ${(input as { city: string }).city}`,
    }));
    messages.push({ role: 'assistant', content: answer.content }, { role: 'user', content: results });
  }
}

function withoutId(content: Message['content']): unknown[] {
  return content.map((block) => ({ ...block, id: undefined }));
}

async function rejection(call: PromiseLike<unknown>): Promise<InstanceType<typeof AnthropicNow.APIError>> {
  try {
    await call;
  } catch (error) {
    return error as InstanceType<typeof AnthropicNow.APIError>;
  }
  throw new Error('the call succeeded');
}
