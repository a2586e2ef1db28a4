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
