import { costNanoUsd, type Prices, type TokenPrices } from '@switchboard/contracts';
import { createLogger, createPool, type Pool } from '@switchboard/platform';
import { DIALECTS, type DialectId, type JsonObject, type Usage } from '@switchboard/protocol';
import { openTestDatabase, type TestDatabase } from './__fixtures__/database';
import { event } from './__fixtures__/usage-events';
import { writeUsage } from './adapters/usage-insert';

jest.setTimeout(60_000);

const log = createLogger({ level: 'silent', name: 'test' });

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await openTestDatabase(log);
  pool = createPool({ url: database.url, log });
});

afterAll(async () => {
  await pool.end();
  await database.close();
});

/** USD per million tokens are micro-USD per token: pico-USD, a million times that. */
const prices = (usd: Record<Exclude<keyof TokenPrices, 'reasoning'>, number>): TokenPrices =>
  Object.fromEntries(Object.entries(usd).map(([kind, price]) => [kind, Math.round(price * 1e6)])) as Record<
    keyof TokenPrices,
    number
  >;
const SONNET = prices({ input: 3, output: 15, cacheRead: 0.3, cacheWrite5m: 3.75, cacheWrite1h: 6 });
const SONNET_LONG = prices({ input: 6, output: 22.5, cacheRead: 0.6, cacheWrite5m: 7.5, cacheWrite1h: 12 });
const GPT_MINI = prices({ input: 0.4, output: 1.6, cacheRead: 0.1, cacheWrite5m: 0.4, cacheWrite1h: 0.4 });
const DEEPSEEK = prices({ input: 0.28, output: 0.42, cacheRead: 0.028, cacheWrite5m: 0.28, cacheWrite1h: 0.28 });
const FLASH = prices({ input: 0.0375, output: 0.15, cacheRead: 0.01, cacheWrite5m: 0.0375, cacheWrite1h: 0.0375 });

/** Input, cache read, cache write 5 min, cache write 1 h, output, reasoning. */
type Counts = [number, number, number, number, number, number];

interface PricedUsage {
  dialect: DialectId;
  /** As the upstream writes it. */
  usage: JsonObject;
  prices: Prices;
  counts: Counts;
  /** Computed by hand: nano-USD per token are thousandths of the pico-USD of the price. */
  costNanoUsd: number;
}

const CASES: Record<string, PricedUsage> = {
  'Anthropic: input_tokens leaves out what was read from and written to the cache; the two lifetimes have their prices':
    {
      dialect: 'anthropic-messages',
      usage: {
        ...{
          input_tokens: 21,
          cache_read_input_tokens: 188_086,
          cache_creation_input_tokens: 2_095,
          output_tokens: 393,
        },
        cache_creation: { ephemeral_5m_input_tokens: 1_500, ephemeral_1h_input_tokens: 595 },
      },
      prices: SONNET,
      counts: [21, 188_086, 1_500, 595, 393, 0],
      // 21 × 3,000 = 63,000; 188,086 × 300 = 56,425,800; 1,500 × 3,750 = 5,625,000; 595 × 6,000 = 3,570,000;
      // 393 × 15,000 = 5,895,000.
      costNanoUsd: 71_578_800,
    },
  'Anthropic: writes without a split are of 5 minutes': {
    dialect: 'anthropic-messages',
    usage: { input_tokens: 21, cache_read_input_tokens: 0, cache_creation_input_tokens: 2_095, output_tokens: 393 },
    prices: SONNET,
    counts: [21, 0, 2_095, 0, 393, 0],
    // 63,000 + 2,095 × 3,750 = 7,856,250, + 5,895,000.
    costNanoUsd: 13_814_250,
  },
  'Anthropic: all of a write may be of an hour': {
    dialect: 'anthropic-messages',
    usage: {
      ...{ input_tokens: 4, cache_read_input_tokens: 0, cache_creation_input_tokens: 1_000, output_tokens: 1 },
      cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 1_000 },
    },
    prices: SONNET,
    counts: [4, 0, 0, 1_000, 1, 0],
    // 12,000 + 6,000,000 + 15,000.
    costNanoUsd: 6_027_000,
  },
  'Anthropic: cached tokens make a prompt long, and then all is at the long prompt’s price': {
    dialect: 'anthropic-messages',
    usage: { input_tokens: 10, cache_read_input_tokens: 200_000, cache_creation_input_tokens: 0, output_tokens: 1 },
    prices: { ...SONNET, longPrompt: { aboveInputTokens: 200_000, prices: SONNET_LONG } },
    counts: [10, 200_000, 0, 0, 1, 0],
    // 10 × 6,000 + 200,000 × 600 + 22,500.
    costNanoUsd: 120_082_500,
  },
  'Chat: prompt_tokens includes cached_tokens, completion_tokens includes reasoning': {
    dialect: 'openai-chat',
    usage: {
      ...{ prompt_tokens: 2_006, completion_tokens: 300, total_tokens: 2_306 },
      prompt_tokens_details: { cached_tokens: 1_920, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 128 },
    },
    prices: GPT_MINI,
    counts: [86, 1_920, 0, 0, 300, 128],
    // 86 × 400 = 34,400; 1,920 × 100 = 192,000; 300 × 1,600 = 480,000.
    costNanoUsd: 706_400,
  },
  'Chat, OpenRouter: prompt_tokens includes cache_write_tokens too': {
    dialect: 'openai-chat',
    usage: {
      ...{ prompt_tokens: 10_000, completion_tokens: 100, total_tokens: 10_100 },
      prompt_tokens_details: { cached_tokens: 6_000, cache_write_tokens: 3_000 },
    },
    prices: SONNET,
    counts: [1_000, 6_000, 3_000, 0, 100, 0],
    // 3,000,000 + 1,800,000 + 11,250,000 + 1,500,000.
    costNanoUsd: 17_550_000,
  },
  'Chat, DeepSeek: hits of the cache are part of prompt_tokens': {
    dialect: 'openai-chat',
    usage: {
      ...{ prompt_tokens: 1_000, completion_tokens: 50, total_tokens: 1_050 },
      ...{ prompt_cache_hit_tokens: 900, prompt_cache_miss_tokens: 100 },
    },
    prices: DEEPSEEK,
    counts: [100, 900, 0, 0, 50, 0],
    // 28,000 + 25,200 + 21,000.
    costNanoUsd: 74_200,
  },
  'Chat: half a nano-dollar is rounded up, once for the call': {
    dialect: 'openai-chat',
    usage: { prompt_tokens: 3, completion_tokens: 0, total_tokens: 3 },
    prices: FLASH,
    counts: [3, 0, 0, 0, 0, 0],
    // 3 × 37.5 = 112.5.
    costNanoUsd: 113,
  },
};

/** A whole reply around the figures. */
function replyWith({ dialect, usage }: PricedUsage): JsonObject {
  return dialect === 'anthropic-messages'
    ? {
        ...{
          id: 'msg_1',
          type: 'message',
          role: 'assistant',
          model: 'm',
          stop_reason: 'end_turn',
          stop_sequence: null,
        },
        ...{ content: [{ type: 'text', text: 'Hi' }], usage },
      }
    : {
        ...{ id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'm', usage },
        choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
      };
}

/** The same reply, streamed. */
function streamWith({ dialect, usage }: PricedUsage): string {
  if (dialect === 'openai-chat') {
    const chunk = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm' };
    const chunks = [
      { ...chunk, choices: [{ index: 0, delta: { role: 'assistant', content: 'Hi' }, finish_reason: null }] },
      { ...chunk, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
      { ...chunk, choices: [], usage },
    ];
    return `${chunks.map((each) => `data: ${JSON.stringify(each)}\n\n`).join('')}data: [DONE]\n\n`;
  }
  const { output_tokens, ...input } = usage;
  const events: JsonObject[] = [
    {
      type: 'message_start',
      message: {
        ...{
          id: 'msg_1',
          type: 'message',
          role: 'assistant',
          model: 'm',
          content: [],
          stop_reason: null,
          stop_sequence: null,
        },
        usage: { ...input, output_tokens: 1 },
      },
    },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi' } },
    { type: 'content_block_stop', index: 0 },
    {
      type: 'message_delta',
      delta: { stop_reason: 'end_turn', stop_sequence: null },
      usage: { output_tokens: output_tokens ?? 0 },
    },
    { type: 'message_stop' },
  ];
  return events.map((each) => `event: ${each['type'] as string}\ndata: ${JSON.stringify(each)}\n\n`).join('');
}

/** Every way a reply is read: translated or passed through, whole or streamed. */
function readings(given: PricedUsage): (Usage | undefined)[] {
  const dialect = DIALECTS[given.dialect];
  const context = { model: 'm', includeUsage: true };
  const decoded = dialect.decodeReply(replyWith(given), { toolNames: new Map() });
  const tap = dialect.streamTap(context);
  tap.push(Buffer.from(streamWith(given)));
  tap.end('completed');
  return [
    decoded.ok ? decoded.value.usage : undefined,
    dialect.tapReply(Buffer.from(JSON.stringify(replyWith(given))), context).usage,
    tap.usage,
  ];
}

const COLUMNS =
  'input_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, output_tokens, reasoning_tokens, cost_nano_usd';

describe('priced right to the nano-dollar, from what the upstream wrote to the ledger', () => {
  beforeEach(() => database.empty());

  test.each(Object.entries(CASES))('%s', async (name, given) => {
    for (const [index, usage] of readings(given).entries()) {
      const tenantId = `${name} ${index}`;
      const cost = costNanoUsd(usage as Usage, given.prices);
      await writeUsage(pool, [event(tenantId, { tenantId, usage: usage as Usage, costNanoUsd: cost })]);
      const one = async (sql: string): Promise<unknown[]> =>
        (await pool.query<Record<string, string>>(sql, [tenantId])).rows.map((row) => Object.values(row).map(Number));
      const expected = [...given.counts, given.costNanoUsd];
      expect(await one(`SELECT ${COLUMNS} FROM usage WHERE tenant_id = $1`)).toEqual([expected]);
      expect(await one(`SELECT ${COLUMNS} FROM usage_rollups WHERE tenant_id = $1`)).toEqual([expected]);
      const amount = `SELECT amount_nano_usd FROM ledger_entries JOIN ledger_accounts ON id = account_id WHERE tenant_id = $1`;
      expect(await one(amount)).toEqual([[-given.costNanoUsd]]);
    }
    const platform = `SELECT sum(amount_nano_usd)::text AS sum FROM ledger_entries WHERE account_id = 'platform:usage'`;
    expect(await database.sql(platform)).toEqual([{ sum: String(3 * given.costNanoUsd) }]);
  });
});
