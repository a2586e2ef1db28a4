import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildKeyRecords, type GatewayConfig } from './gateway-config';
import { keyHash } from './key-identity';
import { loadGatewayConfig, type LoadedConfig } from './load-config';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'gateway-config-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

function load(yaml: string, env: NodeJS.ProcessEnv = {}, standalone = true): LoadedConfig {
  writeFileSync(join(directory, 'gateway.yaml'), yaml);
  return loadGatewayConfig({ env, cwd: directory, standalone });
}

function configOf(loaded: LoadedConfig): GatewayConfig {
  if (!loaded.ok) throw new Error(loaded.faults.join('\n'));
  return loaded.config;
}

function faultsOf(loaded: LoadedConfig): string[] {
  return loaded.ok ? [] : loaded.faults;
}

const PROVIDER = 'providers: [{ id: p, kind: openai-compatible, baseUrl: "https://llm.example.com/v1" }]\n';

describe('the file that is read', () => {
  it('is the one GATEWAY_CONFIG names, before ./gateway.yaml', () => {
    writeFileSync(join(directory, 'other.yaml'), 'brand: { slug: other }\n');
    const loaded = load('brand: { slug: here }\n', { GATEWAY_CONFIG: 'other.yaml' });
    expect(configOf(loaded).brand).toEqual({ slug: 'other', keyPrefix: 'cm' });
    expect(loaded.ok && loaded.source).toBe(join(directory, 'other.yaml'));
  });

  it('must exist where GATEWAY_CONFIG names it, and may be absent otherwise', () => {
    const named = loadGatewayConfig({ env: { GATEWAY_CONFIG: 'nowhere.yaml' }, cwd: directory });
    expect(faultsOf(named)).toEqual([`GATEWAY_CONFIG: ${join(directory, 'nowhere.yaml')} cannot be read (ENOENT)`]);
    const absent = loadGatewayConfig({ env: { GATEWAY_CONFIG: '' }, cwd: directory });
    expect(absent).toMatchObject({ ok: true, source: undefined, config: { providers: [], models: [], tenants: [] } });
  });

  it('may be empty', () => {
    expect(configOf(load('# nothing yet\n'))).toMatchObject({ brand: { slug: 'callmissed' }, providers: [] });
  });

  it('is refused with its line where it is not YAML', () => {
    expect(faultsOf(load('brand: {}\nproviders: [\n'))[0]).toMatch(/^line \d+: /);
    expect(faultsOf(load('brand: {}\nbrand: {}\n'))[0]).toMatch(/^line 2: /);
    expect(faultsOf(load('just words\n'))).toHaveLength(1);
  });

  it('is refused where its aliases lead nowhere or multiply without end', () => {
    expect(faultsOf(load('models: *nowhere\n'))[0]).toContain('nowhere');
    const level = (name: string, of: string) => `${name}: &${name} [${Array<string>(10).fill(of).join(',')}]\n`;
    const bomb = level('a', 'x') + level('b', '*a') + level('c', '*b') + level('d', '*c');
    expect(faultsOf(load(bomb))[0]).toContain('Excessive alias count');
  });

  it('may repeat itself by anchors and merge keys', () => {
    const yaml = 'providers:\n  - &p { id: a, kind: openai, tier: 1, headers: { x-a: b } }\n  - { <<: *p, id: b }\n';
    expect(configOf(load(yaml)).providers.map(({ id, tier }) => [id, tier])).toEqual([
      ['a', 1],
      ['b', 1],
    ]);
  });
});

describe('how a provider is probed', () => {
  it.each([
    ['', undefined],
    [', probe: off', 'off'],
    [', probe: false', 'off'],
    [', probe: { intervalMs: 5000 }', { intervalMs: 5_000 }],
    [', probe: { path: /health }', { path: '/health', intervalMs: 10_000 }],
  ])('is read of "%s"', (written, probe) => {
    const config = configOf(load(PROVIDER.replace(' }]', `${written} }]`)));
    expect(config.providers[0]?.probe).toEqual(probe);
  });

  it('has a path from the root, and not more often than every second', () => {
    const faults = faultsOf(load(PROVIDER.replace(' }]', ', probe: { path: health, intervalMs: 10 } }]')));
    expect(faults).toHaveLength(2);
  });
});

describe('faults', () => {
  it('are reported all together, each with its path and line, in the order of the file', () => {
    const yaml = `brand: { slug: Bad_Slug }
providers:
  - id: a
    kind: openai-compatible
    colour: red
  - id: a
    kind: anthropic
    baseUrl: https://api.anthropic.com/v1
    tier: -1
    apiKey: { env: NOT_THERE }
models:
  - id: x/y
    aliases: [auto]
    contextWindow: 1000
    maxOutputTokens: 10
    pricing: { input: -1, output: 1 }
    upstreams:
      - { provider: ghost, model: m }
tenants:
  - id: t
    budget: { usd: -5, period: month }
    keys:
      - name: k
        key: { hash: abc }
        ips: [10.0.0.0/33]
        models: ['a/**']
        origins: [app.example.com]
surprise: 1
`;
    expect(faultsOf(load(yaml))).toEqual([
      'brand.slug: must be lower-case letters, digits and dashes (line 1)',
      'providers[0].baseUrl: required for openai-compatible (line 3)',
      'providers[0].colour: unknown field (line 5)',
      'providers[1].id: a is already used (line 6)',
      'providers[1].baseUrl: must not end in /v1 (line 8)',
      'providers[1].tier: must not be negative (line 9)',
      'providers[1].apiKey: environment variable NOT_THERE is not set (line 10)',
      'models[0].aliases[0]: auto names a policy (line 13)',
      'models[0].pricing.input: must not be negative (line 16)',
      'models[0].upstreams[0].provider: unknown provider ghost (line 18)',
      'tenants[0].budget.usd: must not be negative (line 21)',
      'tenants[0].keys[0].key.hash: must be a SHA-256 in lower-case hex (64 digits) (line 24)',
      'tenants[0].keys[0].ips[0]: must be an address range such as 10.0.0.0/8 (line 25)',
      'tenants[0].keys[0].models[0]: must not repeat * (line 26)',
      'tenants[0].keys[0].origins[0]: must be an origin such as https://app.example.com (line 27)',
      'surprise: unknown field (line 28)',
    ]);
  });

  it.each([
    ['http://10.0.0.1/v1', 'private network'],
    ['http://169.254.169.254/v1', 'private network'],
    ['ftp://llm.example.com', 'https://'],
    ['nonsense', 'must be a URL'],
    ['https://user:hunter2@llm.example.com/v1', 'must not hold credentials'],
    ['https://llm.example.com/v1?key=hunter2', 'must not have a query'],
  ])('refuse the base URL %s without repeating it', (baseUrl, message) => {
    const faults = faultsOf(load(`providers: [{ id: p, kind: openai-compatible, baseUrl: "${baseUrl}" }]`));
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(/^providers\[0\]\.baseUrl: /);
    expect(faults[0]).toContain(message);
    expect(faults[0]).not.toContain('hunter2');
  });

  it('let an API version pass for Azure alone', () => {
    const yaml = (kind: string, apiVersion: string) =>
      `providers: [{ id: p, kind: ${kind}, baseUrl: "https://res.openai.azure.com", apiVersion: "${apiVersion}" }]`;
    expect(configOf(load(yaml('azure-openai', '2024-10-21'))).providers[0]?.apiVersion).toBe('2024-10-21');
    expect(faultsOf(load(yaml('azure-openai', '2024-10-21&x=1')))).toHaveLength(1);
    expect(faultsOf(load(yaml('openai-compatible', '2024-10-21')))).toEqual([
      'providers[0].apiVersion: is of azure-openai only (line 1)',
    ]);
  });

  it('let private upstreams pass where trusted, and loopback ones in standalone', () => {
    const yaml = (extra: string) =>
      `providers: [{ id: p, kind: openai-compatible, baseUrl: "http://127.0.0.1:8000/v1/"${extra} }]`;
    expect(configOf(load(yaml(''))).providers[0]?.baseUrl).toBe('http://127.0.0.1:8000/v1');
    expect(faultsOf(load(yaml(''), {}, false))).toHaveLength(1);
    expect(faultsOf(load(yaml(', trustedNetwork: true'), {}, false))).toEqual([]);
  });

  it('name aliases that collide: with ids, built-in ids offered, and each other', () => {
    const model = (id: string, aliases: string) =>
      `  - { id: ${id}, aliases: ${aliases}, contextWindow: 1, maxOutputTokens: 1, pricing: { input: 1, output: 1 }, upstreams: [{ provider: claude, model: m }] }\n`;
    const yaml = `providers: [{ id: claude, kind: anthropic, headers: { x-api-key: none } }]
models:
${model('a/one', '[b/two, short]')}${model('b/two', '[short, anthropic/claude-opus-5]')}${model('b/two', '[]')}`;
    expect(faultsOf(load(yaml))).toEqual([
      'models[0].aliases[0]: b/two is the id of a model (line 3)',
      'models[1].aliases[0]: short is already an alias (line 4)',
      'models[1].aliases[1]: anthropic/claude-opus-5 is the id of a built-in model (line 4)',
      'models[2].id: b/two is already used (line 5)',
    ]);
  });

  it('name what a model must say itself when it is not built in', () => {
    expect(faultsOf(load(`${PROVIDER}models: [{ id: own/llm }, { id: own/vectors, category: embedding }]`))).toEqual([
      'models[0].contextWindow: required (line 2)',
      'models[0].pricing: required (line 2)',
      'models[0].upstreams: required (line 2)',
      'models[0].maxOutputTokens: required (line 2)',
      'models[1].contextWindow: required (line 2)',
      'models[1].pricing: required (line 2)',
      'models[1].upstreams: required (line 2)',
    ]);
    expect(faultsOf(load(`${PROVIDER}models: [{ id: openai/gpt-4o }]`))).toEqual([
      'models[0].upstreams: required: no provider is known to serve this model (line 2)',
    ]);
  });

  it('do not call a provider unknown because it has faults of its own', () => {
    const yaml = `providers: [{ id: p, kind: openai-compatible }]
models: [{ id: o/m, contextWindow: 1, maxOutputTokens: 1, pricing: { input: 1, output: 1 }, upstreams: [{ provider: p, model: m }] }]`;
    expect(faultsOf(load(yaml))).toEqual(['providers[0].baseUrl: required for openai-compatible (line 1)']);
  });

  it('refuse one key given twice, and names that make one key id', () => {
    const yaml = `tenants:
  - { id: a_b, keys: [{ name: c, key: { env: K1 } }] }
  - { id: a, keys: [{ name: b_c, key: { env: K2 } }, { name: d, key: { env: K1 } }] }`;
    expect(faultsOf(load(yaml, { K1: 'one', K2: 'two' }))).toEqual([
      'tenants[1].keys[1].key: is the same key as another one (line 3)',
      'tenants[1].keys[0].name: makes the key id key_a_b_c a second time (line 3)',
    ]);
  });

  it.each([
    'providers: {}',
    'models: all',
    'tenants: [1]',
    'tenants: [{ id: t, keys: {} }]',
    'models: [{ id: 7 }]',
    '[]',
  ])('and never a crash over %p', (yaml) => {
    expect(faultsOf(load(yaml)).length).toBeGreaterThan(0);
  });

  it('refuse money too fine or too large to be exact', () => {
    const tenant = (usd: string) => faultsOf(load(`tenants: [{ id: t, budget: { usd: ${usd}, period: total } }]`));
    expect(tenant('0.0000000001')[0]).toContain('finer');
    expect(tenant('10000000')[0]).toContain('at most');
    expect(tenant('0.1')).toEqual([]);
    expect(tenant('8999999.999999999')).toEqual([]);
  });
});

describe('secrets', () => {
  const tenantWith = (key: string) => `tenants: [{ id: t, keys: [{ name: k, key: ${key} }] }]`;

  it('come from a file beside the configuration, without its last line break', () => {
    writeFileSync(join(directory, 'k.txt'), 'cm_test_from_file\n');
    expect(buildKeyRecords(configOf(load(tenantWith('{ file: k.txt }'))))[0]?.hash).toBe(keyHash('cm_test_from_file'));
    expect(faultsOf(load(tenantWith('{ file: gone.txt }')))).toEqual([
      'tenants[0].keys[0].key: file gone.txt cannot be read (ENOENT) (line 1)',
    ]);
  });

  it('warn where they stand in the file, without repeating it', () => {
    const loaded = load(tenantWith('{ value: cm_test_inline }'));
    expect(loaded).toMatchObject({ ok: true, warnings: [expect.stringContaining('secret stands in the file')] });
    expect(JSON.stringify(loaded)).not.toContain('cm_test_inline');
  });

  it('have exactly one source', () => {
    expect(faultsOf(load(tenantWith('{ env: A, value: b }')))[0]).toContain('exactly one of');
    expect(faultsOf(load(tenantWith('{}')))[0]).toContain('exactly one of');
  });
});

describe('models of the file and built-in ones', () => {
  const claude = 'providers: [{ id: claude, kind: anthropic, apiKey: { env: K } }]\n';

  it('without models: every built-in one that the providers serve', () => {
    const ids = configOf(load(claude, { K: 'k' })).models.map((model) => model.id);
    expect(ids).toContain('anthropic/claude-opus-5.5');
    expect(ids.every((id) => id.startsWith('anthropic/'))).toBe(true);
  });

  it('with builtinModels: false, the file alone decides', () => {
    const yaml = `${claude}builtinModels: false\nmodels: [{ id: anthropic/claude-opus-5.5 }]`;
    expect(configOf(load(yaml, { K: 'k' })).models.map((model) => model.id)).toEqual(['anthropic/claude-opus-5.5']);
  });

  it('an inherited alias goes to the model the file gives it to', () => {
    const yaml = `${claude}models:
  - { id: anthropic/claude-opus-5.5 }
  - { id: own/m, aliases: [opus], contextWindow: 1, maxOutputTokens: 1, pricing: { input: 1, output: 1 }, upstreams: [{ provider: claude, model: m }] }`;
    const { models } = configOf(load(yaml, { K: 'k' }));
    expect(models.filter((model) => model.aliases.includes('opus')).map((model) => model.id)).toEqual(['own/m']);
  });
});
