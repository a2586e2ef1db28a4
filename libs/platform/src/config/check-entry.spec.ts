import type { Provider } from '@switchboard/contracts';
import { checkModel, checkProvider } from './check-entry';

const NOT_STANDALONE = { standalone: false };

function provider(entry: Record<string, unknown> = {}): Provider {
  const checked = checkProvider({ id: 'claude', kind: 'anthropic', ...entry }, NOT_STANDALONE);
  if (!checked.ok) throw new Error(JSON.stringify(checked.faults));
  return checked.value;
}

const OWN = {
  ...{ id: 'own/model', contextWindow: 1000, maxOutputTokens: 100, pricing: { input: 1, output: 2 } },
  upstreams: [{ provider: 'claude', model: 'x' }],
};

describe('a provider alone', () => {
  it('is read as in a file, with its credential given in place', () => {
    expect(provider({ apiKey: 'sk-x', headers: { a: 'b' } })).toMatchObject({
      ...{ apiKey: 'sk-x', headers: { a: 'b' }, baseUrl: 'https://api.anthropic.com', tier: 2 },
      timeouts: { connectMs: 2_000 },
    });
  });

  it('tells all its faults at once, paths within the entry, no secret in them', () => {
    const checked = checkProvider(
      { id: 'x y', kind: 'openai-compatible', baseUrl: 'http://10.1.2.3/v1', apiKey: 'sk-x', timeouts: { idleMs: -1 } },
      NOT_STANDALONE,
    );
    if (checked.ok) throw new Error('it has faults');
    expect(checked.faults.map(({ path }) => path).sort()).toEqual(['baseUrl', 'id', 'timeouts.idleMs']);
    expect(JSON.stringify(checked)).not.toContain('sk-x');
  });

  it('may be on loopback only where all is one process', () => {
    const entry = { id: 'x', kind: 'openai-compatible', baseUrl: 'http://localhost:1/v1' };
    expect(checkProvider(entry, NOT_STANDALONE).ok).toBe(false);
    expect(checkProvider(entry, { standalone: true }).ok).toBe(true);
  });
});

describe('a model beside others', () => {
  it('takes what it leaves out of a built-in model from it, but for names that others have', () => {
    const full = checkModel({ id: 'anthropic/claude-sonnet-4.6' }, { providers: [provider()], models: [] });
    if (!full.ok) throw new Error('it is built in');
    const [taken = ''] = full.value.aliases;
    const others = { providers: [provider()], models: [{ id: 'other', aliases: [taken] }] };
    const checked = checkModel({ id: 'anthropic/claude-sonnet-4.6' }, others);
    expect(checked).toEqual({ ok: true, value: { ...full.value, aliases: full.value.aliases.slice(1) } });
  });

  it('may not take the names of others, nor stand on a provider that is not there', () => {
    const others = { providers: [provider()], models: [{ id: 'other', aliases: ['nick', 'own/model'] }] };
    const checked = checkModel(
      { ...OWN, aliases: ['fine', 'other', 'nick'], upstreams: [{ provider: 'no', model: 'x' }] },
      others,
    );
    expect(checked).toEqual({
      ok: false,
      faults: [
        { path: 'upstreams[0].provider', message: 'unknown provider no' },
        { path: 'id', message: 'own/model is an alias of other' },
        { path: 'aliases[1]', message: 'other is the id of a model' },
        { path: 'aliases[2]', message: 'nick is an alias of other' },
      ],
    });
  });

  describe('with dated prices', () => {
    const pricing = (list: unknown) => checkModel({ ...OWN, pricing: list }, { providers: [provider()], models: [] });
    const faultsOf = (list: unknown) => {
      const checked = pricing(list);
      return checked.ok ? [] : checked.faults.map(({ path, message }) => `${path}: ${message}`);
    };
    const LATER = '2099-01-01T00:00:00+02:00';

    it('has the one that holds now, and those that follow in their order; what it costs us is as now', () => {
      const list = [
        { input: 1, output: 2 },
        { from: '2020-01-01T00:00:00Z', input: 3, output: 4 },
        { from: LATER, input: 5, output: 6 },
      ];
      const checked = pricing(list);
      expect(checked).toMatchObject({
        value: {
          pricing: [
            { prices: { input: 1_000_000 } },
            { fromMs: Date.parse('2020-01-01T00:00:00Z'), prices: { input: 3_000_000 } },
            { fromMs: Date.parse('2098-12-31T22:00:00Z'), prices: { input: 5_000_000 } },
          ],
          upstreams: [{ cost: { input: 3_000_000 } }],
        },
      });
    });

    it('tells all faults of all prices together, each where it is', () => {
      expect(
        faultsOf([
          { from: LATER, input: 1, output: -2, typo: 1 },
          { input: 1, output: 2, longPrompt: { aboveInputTokens: 5, input: 1 } },
          { from: '2020-01-01', input: 1, output: 2 },
        ]).sort(),
      ).toEqual([
        'pricing[0].from: must have passed: the first price is the one that holds now',
        'pricing[0].output: must not be negative',
        'pricing[0].typo: unknown field',
        'pricing[1].from: required: only the first price may leave it out',
        'pricing[1].longPrompt.output: required',
        'pricing[2].from: must be a time such as 2026-11-01T00:00:00Z',
        'pricing[2].from: must be later than the one before',
      ]);
    });

    it.each([
      ['an empty list', [], ['pricing: must not be empty']],
      ['a number', 3, ['pricing: must be a price or a list of them']],
      ['a price with a time', { from: LATER, input: 1, output: 2 }, ['pricing.from: unknown field']],
      ['a price without an output', { input: 1 }, ['pricing.output: required']],
    ])('refuses %s', (_, given, faults) => {
      expect(faultsOf(given)).toEqual(faults);
    });
  });

  it('that is not built in must say itself what it is', () => {
    const checked = checkModel({ id: 'own/model' }, { providers: [provider()], models: [] });
    if (checked.ok) throw new Error('it has faults');
    expect(checked.faults.map(({ path }) => path)).toEqual([
      'contextWindow',
      'pricing',
      'upstreams',
      'maxOutputTokens',
    ]);
  });
});
