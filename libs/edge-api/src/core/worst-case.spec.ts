import { ANY_NAMES } from './image-weight';
import { type Model, type Prices, type ScopeBounds, type ScopeLimits } from '@switchboard/contracts';
import { always, candidate } from './__fixtures__/candidate';
import { coveredBy, worstCase, type Asked } from './worst-case';

/** USD per million tokens. */
const usd = (input: number, output: number, more: Partial<Record<keyof Prices, number>> = {}): Prices => ({
  input: input * 1e6,
  output: output * 1e6,
  cacheRead: (more.cacheRead ?? input / 10) * 1e6,
  cacheWrite5m: (more.cacheWrite5m ?? input * 1.25) * 1e6,
  cacheWrite1h: (more.cacheWrite1h ?? input * 2) * 1e6,
});
const NANO_USD_PER_TOKEN = 1_000;

const model = (id: string, changes: Partial<Model> = {}, kind: 'anthropic' | 'openai' = 'anthropic') =>
  candidate({ kind }, { id, pricing: always(usd(3, 15)), ...changes });
const CLAUDE = model('claude');

const body = (more: object = {}): Buffer =>
  Buffer.from(JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'Hello' }], ...more }));
const BODY = body();

const limited = (...limits: ScopeLimits[]): ScopeBounds[] =>
  limits.map((each, index) => ({ scope: `key:${index}`, limits: each, budgets: [] }));
const BUDGETED: ScopeBounds[] = [
  { scope: 'key:k', limits: {}, budgets: [{ id: 'budget', nanoUsd: 1e9, period: 'day' }] },
];

const asked = (changes: Partial<Asked> = {}): Asked => ({
  ...{ body: BODY, maxTokens: 100, replyCount: 1, hasTools: false, marks: ANY_NAMES, startedAtMs: 0 },
  ...changes,
});

describe('the output that is set aside', () => {
  it('is what the client asked for at most', () => {
    const { amounts, outputTokens } = worstCase(asked(), [CLAUDE], limited({ rpm: 5 }));
    expect(amounts.outputTokens).toEqual({ least: 100, most: 100 });
    expect(outputTokens).toBe(100);
  });

  it('is what the model may write where the client named no maximum: of several models the most', () => {
    const models = [model('short', { maxOutputTokens: 4_000 }), model('long', { maxOutputTokens: 9_000 })];
    const most = (maxTokens: number | undefined) =>
      worstCase(asked({ maxTokens }), models, limited({ rpm: 5 })).amounts.outputTokens.most;
    expect(most(undefined)).toBe(9_000);
    expect(most(20)).toBe(20);
  });

  it('is for all replies together', () => {
    const { amounts } = worstCase(asked({ replyCount: 4 }), [CLAUDE], BUDGETED);
    expect(amounts.outputTokens).toEqual({ least: 400, most: 400 });
    const one = worstCase(asked(), [CLAUDE], BUDGETED).amounts.nanoUsd;
    expect(amounts.nanoUsd - one).toBe(300 * 15 * NANO_USD_PER_TOKEN);
  });

  it('is never nothing', () => {
    expect(worstCase(asked({ maxTokens: 0 }), [CLAUDE], BUDGETED).amounts.outputTokens).toEqual({ least: 1, most: 1 });
  });

  it('is at most what a full bucket holds, and at least half of that, where the reply could be longer', () => {
    const output = (maxTokens: number, ...limits: ScopeLimits[]) =>
      worstCase(asked({ maxTokens }), [CLAUDE], limited(...limits)).amounts.outputTokens;
    expect(output(9_999, { otpm: 1_001 })).toEqual({ least: 501, most: 1_001 });
    expect(output(1_001, { otpm: 1_001 })).toEqual({ least: 1_001, most: 1_001 });
    expect(output(9_999, { otpm: 9_000 }, { otpm: 400 }, {})).toEqual({ least: 200, most: 400 });
    expect(output(9_999, { otpm: 0 })).toEqual({ least: 1, most: 1 });
  });

  it('leaves a token for each reply, so that fewer are not granted than will be asked for', () => {
    const { amounts } = worstCase(asked({ replyCount: 128 }), [CLAUDE], limited({ otpm: 100 }));
    expect(amounts.outputTokens).toEqual({ least: 128, most: 128 });
  });

  it('leaves known what the client may have asked for', () => {
    const { outputTokens } = worstCase(asked({ maxTokens: 9_999, replyCount: 2 }), [CLAUDE], limited({ otpm: 100 }));
    expect(outputTokens).toBe(19_998);
  });
});

describe('the input that is set aside', () => {
  it('is an estimate for rates, and the most it can come to for money', () => {
    const { amounts, inputTokensMost } = worstCase(asked(), [CLAUDE], BUDGETED);
    expect(amounts.inputTokens).toBe(Math.ceil(BODY.length / 3));
    expect(inputTokensMost).toBe(BODY.length);
    expect(worstCase(asked({ hasTools: true }), [CLAUDE], BUDGETED).inputTokensMost).toBe(BODY.length + 1_000);
  });
});

describe('the money that is set aside', () => {
  const nanoUsd = (changes: Partial<Asked>, ...candidates: (typeof CLAUDE)[]) =>
    worstCase(asked(changes), candidates.length === 0 ? [CLAUDE] : candidates, BUDGETED).amounts.nanoUsd;
  const priced = (input: number, inputUsd: number, outputUsd: number) =>
    (input * inputUsd + 100 * outputUsd) * NANO_USD_PER_TOKEN;

  it('is the same where nobody pays from a budget: it is what the call is charged if its edge dies', () => {
    expect(worstCase(asked(), [CLAUDE], limited({ rpm: 5 })).amounts.nanoUsd).toBe(nanoUsd({}));
  });

  it('is the input at its price, and all the output', () => {
    expect(nanoUsd({})).toBe(priced(BODY.length, 3, 15));
  });

  it('is rounded up', () => {
    const pricing = always({ ...usd(0, 0), output: 1 });
    expect(nanoUsd({ maxTokens: 1 }, model('cheap', { pricing }))).toBe(1);
  });

  it('stays a whole number that JSON carries, whatever the client asks for', () => {
    const huge = asked({ maxTokens: Number.MAX_SAFE_INTEGER, replyCount: 9 });
    for (const scopes of [BUDGETED, limited({ rpm: 5 }), limited({ otpm: 100 })]) {
      const { amounts, outputTokens } = worstCase(huge, [CLAUDE], scopes);
      const { least, most } = amounts.outputTokens;
      expect([least, most, amounts.nanoUsd, outputTokens].every(Number.isSafeInteger)).toBe(true);
    }
    expect(worstCase(huge, [CLAUDE], BUDGETED).amounts.nanoUsd).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('is for the dearest of the models that may serve', () => {
    const dear = model('dear', { pricing: always(usd(5, 25)) });
    expect(nanoUsd({}, CLAUDE, dear)).toBe(priced(BODY.length, 5, 25));
    expect(nanoUsd({}, dear, CLAUDE)).toBe(priced(BODY.length, 5, 25));
  });

  it.each([
    ['for five minutes', { cache_control: { type: 'ephemeral' } }, 3.75],
    ['for an hour', { cache_control: { type: 'ephemeral', ttl: '1h' } }, 6],
    ['in OpenAI’s words', { prompt_cache_breakpoint: { mode: 'explicit' } }, 3.75],
  ])('is that of a cache write where the client marks what to keep: %s', (_, mark, inputUsd) => {
    const marked = body({ messages: [{ role: 'user', content: [{ type: 'text', text: 'Hello', ...mark }] }] });
    expect(nanoUsd({ body: marked })).toBe(priced(marked.length, inputUsd, 15));
  });

  it('is that of a write for an hour only where the client marks anything', () => {
    const text = body({ stop: ['1h'] });
    expect(nanoUsd({ body: text })).toBe(priced(text.length, 3, 15));
  });

  it('is that of a cache write where names could be hidden', () => {
    const plain = JSON.stringify({ messages: [{ cache_control: { ttl: '1h' } }] });
    for (const [name, hidden, inputUsd] of [
      ['cache', '\\u0063ache', 6],
      ['_', '\\u005f', 6],
      ['1h', '\\u0031h', 6],
      ['1h', '1\\u0068', 6],
      ['1h', '5m', 3.75],
    ] as const) {
      const written = Buffer.from(plain.replace(name, hidden));
      expect(nanoUsd({ body: written })).toBe(priced(written.length, inputUsd, 15));
    }
  });

  it('is that of a cache write for servers of Chat, which keep prompts unasked, where they sell that', () => {
    expect(nanoUsd({}, model('gpt', {}, 'openai'))).toBe(priced(BODY.length, 3.75, 15));
    const free = model('older', { pricing: always(usd(3, 15, { cacheWrite5m: 3 })) }, 'openai');
    expect(nanoUsd({}, free)).toBe(priced(BODY.length, 3, 15));
  });

  it('is at the price of a long prompt where the prompt may be long', () => {
    const long = (aboveInputTokens: number) =>
      model('long', { pricing: always({ ...usd(3, 15), longPrompt: { aboveInputTokens, prices: usd(6, 22.5) } }) });
    expect(nanoUsd({}, long(BODY.length))).toBe(priced(BODY.length, 3, 15));
    expect(nanoUsd({}, long(BODY.length - 1))).toBe(priced(BODY.length, 6, 22.5));
  });

  it('is as if all output were reasoning where that is dearer', () => {
    const thinker = (reasoning: number) =>
      model('thinker', { pricing: always({ ...usd(3, 15), reasoning: reasoning * 1e6 }) });
    expect(nanoUsd({}, thinker(20))).toBe(priced(BODY.length, 3, 20));
    expect(nanoUsd({}, thinker(1))).toBe(priced(BODY.length, 3, 15));
  });

  it('is the dearer of both where a long prompt is the cheaper one', () => {
    const pricing = always({ ...usd(3, 15), longPrompt: { aboveInputTokens: 1, prices: usd(1, 5) } });
    expect(nanoUsd({}, model('odd', { pricing }))).toBe(priced(BODY.length, 3, 15));
  });
});

describe('the candidates that a reservation covers', () => {
  it('are those of the first three models, in their order', () => {
    const models = new Map(['a', 'b', 'c', 'd', 'e'].map((id) => [id, model(id).model]));
    const candidates = ['a', 'b', 'a', 'c', 'd', 'b', 'e'].map((id) => ({ ...CLAUDE, model: models.get(id)! }));
    expect(coveredBy(candidates).map(({ model: { id } }) => id)).toEqual(['a', 'b', 'a', 'c', 'b']);
  });
});
