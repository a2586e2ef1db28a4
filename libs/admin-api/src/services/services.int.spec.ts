import { BUCKETS, bucketKey } from '@switchboard/contracts';
import { keyHash, createKeyHasher } from '@switchboard/platform';
import { keyCreateInput, keyUpdateInput } from '../core/inputs/key-input';
import { modelCreateInput, modelUpdateInput } from '../core/inputs/model-input';
import { providerCreateInput, providerUpdateInput } from '../core/inputs/provider-input';
import { tenantCreateInput, tenantUpdateInput } from '../core/inputs/tenant-input';
import { jsonObject } from '../core/json';
import { type AdminDatabase, openStore, ring, startAdminDatabase } from './__fixtures__/admin-database';
import type { AdminStore } from './admin-store';
import type { Change } from './mutations';

jest.setTimeout(60_000);

let database: AdminDatabase;
let store: AdminStore;

beforeAll(async () => {
  database = await startAdminDatabase();
});
afterAll(() => database.stop());
beforeEach(async () => {
  await database.empty();
  store = openStore(database);
});
afterEach(() => store.close());

const ACTOR = { name: 'admin-token' };

/** One mutation, its result given back. */
async function change<T>(work: (change: Change) => Promise<T>): Promise<T> {
  let result: T | undefined;
  await store.mutations.run({ actor: ACTOR }, async (given) => {
    result = await work(given);
    return { status: 200, body: jsonObject(result ?? {}) };
  });
  return result as T;
}

const tenantInput = (input: object) => tenantCreateInput.parse({ id: 'acme', ...input });
const keyInput = (input: object = {}) => keyCreateInput.parse({ tenant: 'acme', name: 'ci', ...input });
const providerInput = (input: object = {}) =>
  providerCreateInput.parse({ id: 'claude', kind: 'anthropic', apiKey: 'sk-secret', ...input });
const modelInput = (input: object = {}) =>
  modelCreateInput.parse({
    ...{ id: 'own/model', contextWindow: 1000, maxOutputTokens: 100, pricing: { input: 1, output: 2 } },
    ...{ upstreams: [{ provider: 'claude', model: 'x' }], ...input },
  });
const createTenant = (input: object = {}) => change((given) => store.tenants.create(given, tenantInput(input)));
const createKey = (input: object = {}) => change((given) => store.keys.create(given, keyInput(input)));
const createProvider = (input: object = {}) => change((given) => store.providers.create(given, providerInput(input)));
const createModel = (input: object = {}) => change((given) => store.models.create(given, modelInput(input)));

async function audited(): Promise<Record<string, unknown>[]> {
  return database.sql(
    'SELECT actor, action, resource_type, resource_id, tenant_id, before, after FROM audit_log ORDER BY id',
  );
}

async function outbox(): Promise<string[]> {
  const rows = await database.sql('SELECT bucket, key FROM outbox ORDER BY id');
  return rows.map(({ bucket, key }) => `${String(bucket)} ${String(key)}`);
}

/** The error as the API shows it. */
async function refusal(work: Promise<unknown>): Promise<unknown> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  const shown = error as { getStatus(): number; getResponse(): { error: object } };
  return { status: shown.getStatus(), ...shown.getResponse().error };
}

describe('tenants', () => {
  test('a tenant is shown as it was made, money in USD', async () => {
    const made = await createTenant({ limits: { rpm: 5 }, budget: { usd: 12.5, period: 'month' } });
    expect(made).toMatchObject({
      ...{ id: 'acme', name: 'acme', active: true, limits: { rpm: 5 }, managedBy: 'api' },
      budget: { usd: 12.5, period: 'month' },
    });
    expect(await store.tenants.get('acme')).toEqual(made);
    expect(await outbox()).toEqual([`${BUCKETS.keys.name} ${bucketKey.tenant('acme')}`]);
  });

  test('a change touches what it names; null takes a budget away; an absent one stays', async () => {
    await createTenant({ name: 'Acme', limits: { rpm: 5 }, budget: { usd: 1, period: 'day' } });
    const update = (input: object) =>
      change((given) => store.tenants.update(given, 'acme', tenantUpdateInput.parse(input)));
    expect(await update({ active: false })).toMatchObject({ name: 'Acme', active: false, budget: { usd: 1 } });
    expect(await update({ budget: { usd: 2, period: 'week' } })).toMatchObject({ budget: { usd: 2, period: 'week' } });
    expect(await update({ budget: null, limits: {} })).toMatchObject({ budget: null, limits: {}, active: false });
  });

  test('the same id again is a conflict, an unknown one is not found', async () => {
    await createTenant();
    expect(await refusal(createTenant())).toMatchObject({ status: 409, code: 'already_exists' });
    const update = change((given) => store.tenants.update(given, 'other', { name: 'x' }));
    expect(await refusal(update)).toMatchObject({ status: 404, code: 'not_found' });
  });

  test('two who make the same at once: one does, the other is told of the conflict', async () => {
    const results = await Promise.allSettled([createTenant(), createTenant(), createTenant()]);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'rejected')
        expect(await refusal(Promise.reject(result.reason as Error))).toMatchObject({ status: 409 });
    }
  });

  test('removing a tenant removes its keys everywhere, unless it has credits on the books', async () => {
    await createTenant();
    const { id, key } = await createKey();
    await database.sql('TRUNCATE outbox');
    await change(async (given) => store.tenants.remove(given, 'acme'));
    expect(await store.keys.get(id)).toBeUndefined();
    const { hash } = createKeyHasher(ring('pepper-1')).current(keyHash(key));
    expect(await outbox()).toEqual([
      `${BUCKETS.keys.name} ${bucketKey.key(hash)}`,
      `${BUCKETS.keys.name} ${bucketKey.tenant('acme')}`,
    ]);
    await createTenant();
    await change((given) => store.credits.topUp(given, 'acme', { usd: 1, note: '' }));
    const removal = change((given) => store.tenants.remove(given, 'acme'));
    expect(await refusal(removal)).toMatchObject({ status: 409, code: 'tenant_has_credits' });
  });

  test('pages go on where the last one ended; what is out of scope is not there', async () => {
    for (const id of ['a', 'b', 'c', 'd']) await createTenant({ id });
    const first = await store.tenants.list({ limit: 2 });
    expect(first.data.map(({ id }) => id)).toEqual(['a', 'b']);
    const second = await store.tenants.list({ limit: 2, cursor: first.nextCursor ?? '' });
    expect(second.data.map(({ id }) => id)).toEqual(['c', 'd']);
    expect(second.nextCursor).toBeUndefined();
    expect((await store.tenants.list({ limit: 9 }, ['b', 'x'])).data.map(({ id }) => id)).toEqual(['b']);
    expect(await store.tenants.get('a', ['b'])).toBeUndefined();
    await expect(store.tenants.list({ limit: 2, cursor: '%%%' })).rejects.toThrow('cursor');
  });
});

describe('keys', () => {
  beforeEach(() => createTenant());

  test('the plaintext is shown once and only its peppered hash is kept', async () => {
    const { key, ...made } = await createKey();
    expect(key).toMatch(/^cm_live_[0-9A-Za-z]{36}$/);
    expect(made).toMatchObject({ tenant: 'acme', hint: key.slice(0, 12), revoked: false });
    expect(await store.keys.get(made.id)).toEqual(made);
    const { hash, pepperId } = createKeyHasher(ring('pepper-1')).current(keyHash(key));
    expect(await database.sql('SELECT hash, pepper_id FROM key_secrets')).toEqual([{ hash, pepper_id: pepperId }]);
    const dump = JSON.stringify(await database.sql('SELECT k.*, a.* FROM api_keys k, audit_log a'));
    expect(dump).not.toContain(key);
    expect(dump).not.toContain(hash);
  });

  test('the kinds of keys look as the wire contract says', async () => {
    expect((await createKey({ environment: 'test' })).key).toMatch(/^cm_test_/);
    expect((await createKey({ kind: 'user' })).key).toMatch(/^user\.[0-9A-Za-z]{36}$/);
    expect((await createKey({ kind: 'team' })).key).toMatch(/^team\.[0-9A-Za-z]{36}$/);
  });

  test('rotating lets the older secrets work until the end of the overlap, and no longer', async () => {
    const { id } = await createKey({ environment: 'test' });
    const first = await change((given) => store.keys.rotate(given, id, { overlapSeconds: 3600 }));
    expect(first.key).toMatch(/^cm_test_/);
    const ends = first.secrets.map(
      ({ expiresAt }) => expiresAt && Math.round((Date.parse(expiresAt) - Date.now()) / 60_000),
    );
    expect(ends).toEqual([null, 60]);
    const second = await change((given) => store.keys.rotate(given, id, { overlapSeconds: 0 }));
    expect(second.secrets).toHaveLength(3);
    for (const { expiresAt } of second.secrets.slice(1)) {
      expect(Date.parse(expiresAt ?? '')).toBeLessThanOrEqual(Date.now());
    }
  });

  test('revoking is at once and for good: again it changes nothing, and there is no rotating it', async () => {
    const { id } = await createKey();
    const revoked = await change((given) => store.keys.revoke(given, id));
    expect(revoked.revoked).toBe(true);
    const lines = (await audited()).length;
    expect(await change((given) => store.keys.revoke(given, id))).toEqual(revoked);
    expect(await audited()).toHaveLength(lines);
    const rotation = change((given) => store.keys.rotate(given, id, { overlapSeconds: 0 }));
    expect(await refusal(rotation)).toMatchObject({ status: 409, code: 'key_revoked' });
  });

  test('a change touches what it names', async () => {
    const { id } = await createKey({
      models: ['a/*'],
      expiresAt: '2031-01-01T00:00:00Z',
      budget: { usd: 1, period: 'day' },
    });
    const update = (input: object) => change((given) => store.keys.update(given, id, keyUpdateInput.parse(input)));
    expect(await update({ name: 'cd' })).toMatchObject({
      ...{ name: 'cd', models: ['a/*'], expiresAt: '2031-01-01T00:00:00.000Z', budget: { usd: 1, period: 'day' } },
    });
    expect(await update({ models: [], expiresAt: null, budget: null })).toMatchObject({
      ...{ name: 'cd', models: [], expiresAt: null, budget: null },
    });
  });

  test('a budget is set and cleared on a key as on a tenant', async () => {
    const { id } = await createKey();
    const owners = [{ keyId: id }, { tenantId: 'acme' }];
    for (const owner of owners) {
      const set = await change((given) => store.budgets.set(given, owner, { usd: 0.1, period: 'day' }));
      expect(set).toMatchObject({ budget: { usd: 0.1, period: 'day' } });
      expect(await change((given) => store.budgets.clear(given, owner))).toMatchObject({ budget: null });
    }
    const actions = (await audited()).map(({ action }) => action).slice(-4);
    expect(actions).toEqual(['key.budget_set', 'key.budget_clear', 'tenant.budget_set', 'tenant.budget_clear']);
    const unknown = change((given) => store.budgets.set(given, { keyId: 'key_x' }, { usd: 1, period: 'day' }));
    expect(await refusal(unknown)).toMatchObject({ status: 404 });
  });

  test('a list shows the tenant asked for, and only what is in scope', async () => {
    await createTenant({ id: 'other' });
    const { id } = await createKey();
    await createKey({ tenant: 'other' });
    const idsOf = async (...given: [filter?: { tenantId?: string }, scope?: string[]]) =>
      (await store.keys.list({ limit: 10 }, ...given)).data.map((view) => view.tenant);
    expect((await idsOf()).sort()).toEqual(['acme', 'other']);
    expect(await idsOf({ tenantId: 'acme' })).toEqual(['acme']);
    expect(await idsOf({}, ['acme'])).toEqual(['acme']);
    expect(await idsOf({ tenantId: 'acme' }, ['other'])).toEqual([]);
    expect(await store.keys.get(id, ['other'])).toBeUndefined();
  });
});

describe('providers and models', () => {
  test('credentials are sealed and never shown', async () => {
    const made = await createProvider({ headers: { 'x-team': 'hidden-value' } });
    expect(made).toMatchObject({ hasApiKey: true, headerNames: ['x-team'], baseUrl: 'https://api.anthropic.com' });
    await change((given) => store.providers.update(given, 'claude', { apiKey: 'sk-other' }));
    const dump = JSON.stringify([
      await database.sql('SELECT * FROM providers'),
      await audited(),
      await store.providers.list({ limit: 9 }),
    ]);
    for (const secret of ['sk-secret', 'sk-other', 'hidden-value']) expect(dump).not.toContain(secret);
    expect((await audited()).at(-1)).toMatchObject({ after: { secretsChanged: true } });
  });

  test('a change keeps the credential it does not name; null takes it away', async () => {
    await createProvider({ headers: { a: 'b' } });
    const update = (input: object) =>
      change((given) => store.providers.update(given, 'claude', providerUpdateInput.parse(input)));
    expect(await update({ tier: 0, timeouts: { idleMs: 5 } })).toMatchObject({
      ...{ tier: 0, hasApiKey: true, headerNames: ['a'], timeouts: { idleMs: 5, connectMs: 2000 } },
    });
    expect(await update({ apiKey: null, headers: {} })).toMatchObject({ hasApiKey: false, headerNames: [], tier: 0 });
  });

  test('the rules of gateway.yaml hold, all faults told with their paths', async () => {
    const creation = createProvider({ baseUrl: 'http://10.0.0.1/v1', kind: 'openai-compatible' });
    expect(await refusal(creation)).toMatchObject({
      ...{
        status: 400,
        code: 'invalid_body',
        faults: [{ path: 'baseUrl', message: expect.stringContaining('private') }],
      },
    });
    const loopback = createProvider({ baseUrl: 'http://127.0.0.1/v1', kind: 'openai-compatible' });
    expect(await refusal(loopback)).toMatchObject({ status: 400 });
    await createProvider();
    await createModel({ aliases: ['mine'] });
    const collision = createModel({
      ...{ id: 'own/second', aliases: ['mine', 'own/model'], maxOutputTokens: undefined },
      upstreams: [{ provider: 'nobody', model: 'x' }],
    });
    expect(await refusal(collision)).toMatchObject({ status: 400 });
    const { faults } = (await refusal(
      createModel({ id: 'mine', aliases: ['own/model'], upstreams: [{ provider: 'nobody', model: 'x' }] }),
    )) as { faults: { path: string }[] };
    expect(faults.map(({ path }) => path)).toEqual(['upstreams[0].provider', 'id', 'aliases[0]']);
  });

  test('of a built-in model everything but the id may be left out', async () => {
    await createProvider();
    const made = await change((given) =>
      store.models.create(given, modelCreateInput.parse({ id: 'anthropic/claude-sonnet-4.6' })),
    );
    expect(made).toMatchObject({ pricing: { input: 3, output: 15 }, upstreams: [{ provider: 'claude' }] });
    expect(made.aliases.length).toBeGreaterThan(0);
  });

  test('a change of a model keeps the rest', async () => {
    await createProvider();
    const made = await createModel({ aliases: ['mine'], pricing: { input: 1, output: 2, cacheRead: 0.25 } });
    const input = modelUpdateInput.parse({ pricing: { input: 3, output: 4 }, capabilities: { vision: true } });
    const updated = await change((given) => store.models.update(given, 'own/model', input));
    const prices = { input: 3, output: 4, cacheRead: 0.25, cacheWrite5m: 1, cacheWrite1h: 1 };
    expect(updated).toEqual({
      ...{ ...made, updatedAt: updated.updatedAt, capabilities: { ...made.capabilities, vision: true } },
      ...{ pricing: prices, priceVersions: [{ version: 'v2', effectiveFrom: updated.updatedAt, prices }] },
    });
  });

  test('a price for long prompts comes and goes without the others', async () => {
    await createProvider();
    const made = await createModel();
    const longPrompt = { aboveInputTokens: 500, input: 4, output: 8 };
    const update = (pricing: object) =>
      change((given) => store.models.update(given, 'own/model', modelUpdateInput.parse({ pricing })));
    expect((await update({ longPrompt })).pricing).toEqual({
      ...made.pricing,
      longPrompt: { ...longPrompt, cacheRead: 4, cacheWrite5m: 4, cacheWrite1h: 4 },
    });
    expect((await update({ longPrompt: null })).pricing).toEqual(made.pricing);
  });

  describe('prices', () => {
    const update = (pricing: unknown) =>
      change((given) => store.models.update(given, 'own/model', modelUpdateInput.parse({ pricing })));
    const history = async () =>
      (await store.models.prices('own/model', { limit: 10 })).data.map(
        ({ version, prices, state }) => `${version} ${prices.input} ${state}`,
      );
    const FROM = '2099-01-01T00:00:00.000Z';
    beforeEach(() => createProvider());

    test('each change is a version, and those before it stay as they were', async () => {
      await createModel();
      await update({ input: 3 });
      // Nothing else than a price makes one.
      await change((given) => store.models.update(given, 'own/model', modelUpdateInput.parse({ description: 'x' })));
      await update({ input: 1 });
      expect(await history()).toEqual(['v3 1 current', 'v2 3 past', 'v1 1 past']);
      for (const statement of [
        "UPDATE model_prices SET actor = 'me'",
        'DELETE FROM model_prices',
        'TRUNCATE model_prices',
      ]) {
        await expect(database.sql(statement)).rejects.toThrow('model_prices is append-only');
      }
    });

    test('that are announced stay when the one of now changes, until a list says them anew', async () => {
      await createModel({
        pricing: [
          { input: 1, output: 2 },
          { from: FROM, input: 5, output: 6 },
        ],
      });
      const changed = await update({ input: 3 });
      expect(changed).toMatchObject({
        pricing: { input: 3 },
        priceVersions: [
          { version: 'v3', effectiveFrom: changed.updatedAt, prices: { input: 3, output: 2 } },
          { version: 'v2', effectiveFrom: FROM, prices: { input: 5, cacheRead: 5 } },
        ],
      });
      const told = await update([changed.pricing, { from: FROM, input: 7, output: 8 }]);
      expect(told.priceVersions.map(({ version }) => version)).toEqual(['v3', 'v4']);
      expect(await history()).toEqual([...['v4 7 scheduled', 'v3 3 current', 'v2 5 withdrawn', 'v1 1 past']]);
    });

    test('do not change in the past', async () => {
      const passed = { from: '2026-01-01T00:00:00Z', input: 5, output: 6 };
      const fault = { status: 400, faults: [{ path: 'pricing[0].from' }] };
      expect(await refusal(createModel({ pricing: [passed] }))).toMatchObject(fault);
      await createModel();
      expect(await refusal(update([passed, { from: FROM, input: 1, output: 2 }]))).toMatchObject(fault);
      expect(await history()).toEqual(['v1 1 current']);
    });

    test('stay when their model goes, and count on when it comes back; of no model there are none', async () => {
      await createModel();
      await change((given) => store.models.remove(given, 'own/model'));
      expect(await history()).toEqual(['v1 1 withdrawn']);
      await createModel();
      expect(await history()).toEqual(['v2 1 current', 'v1 1 withdrawn']);
      expect(await refusal(store.models.prices('nobody', { limit: 10 }))).toMatchObject({ status: 404 });
      const { data, nextCursor } = await store.models.prices('own/model', { limit: 1 });
      const rest = await store.models.prices('own/model', { limit: 1, cursor: nextCursor ?? '' });
      expect([...data, ...rest.data].map(({ version }) => version)).toEqual(['v2', 'v1']);
    });
  });

  test('a provider that serves models stays', async () => {
    await createProvider();
    await createModel();
    const removal = () => change((given) => store.providers.remove(given, 'claude'));
    expect(await refusal(removal())).toMatchObject({ status: 409, message: expect.stringContaining('own/model') });
    await change((given) => store.models.remove(given, 'own/model'));
    await removal();
    expect(await store.providers.get('claude')).toBeUndefined();
  });

  test('models are listed in the order they were made, page by page', async () => {
    await createProvider();
    for (const id of ['z', 'y', 'x']) await createModel({ id });
    const first = await store.models.list({ limit: 2 });
    const second = await store.models.list({ limit: 2, cursor: first.nextCursor ?? '' });
    expect([...first.data, ...second.data].map(({ id }) => id)).toEqual(['z', 'y', 'x']);
  });
});

describe('credits', () => {
  test('top-ups add up, the latest first', async () => {
    await createTenant();
    for (const usd of [10, 0.5]) await change((given) => store.credits.topUp(given, 'acme', { usd, note: `n${usd}` }));
    expect(await store.credits.totalNanoUsd('acme')).toBe(10_500_000_000n);
    const page = await store.credits.list('acme', { limit: 1 });
    expect(page.data).toMatchObject([{ usd: 0.5, kind: 'top_up', note: 'n0.5', actor: 'admin-token' }]);
    expect((await store.credits.list('acme', { limit: 1, cursor: page.nextCursor ?? '' })).data).toMatchObject([
      { usd: 10 },
    ]);
    expect(await store.credits.list('acme', { limit: 1 }, ['other'])).toEqual({ data: [] });
  });

  test('more than can be kept exactly is refused and leaves the books as they were', async () => {
    await createTenant();
    const topUp = (usd: number) => change((given) => store.credits.topUp(given, 'acme', { usd, note: '' }));
    await topUp(8_999_999);
    expect(await refusal(topUp(1.000000001))).toMatchObject({ status: 409, code: 'credits_too_large' });
    expect(await store.credits.totalNanoUsd('acme')).toBe(8_999_999_000_000_000n);
    expect(await topUp(1)).toMatchObject({ usd: 1 });
  });

  test('each is posted once, from the platform to the tenant; one that is refused is not', async () => {
    await createTenant();
    const topUp = (usd: number) => change((given) => store.credits.topUp(given, 'acme', { usd, note: '' }));
    const { id } = await topUp(2.5);
    await refusal(topUp(9_000_000));
    const posted = await database.sql(
      `SELECT reference, kind, account_id, amount_nano_usd FROM ledger_entries JOIN ledger_transactions ON id = transaction_id
        WHERE recorded_at >= (SELECT created_at FROM tenants WHERE id = 'acme') ORDER BY account_id`,
    );
    const posting = { reference: `credit:${id}`, kind: 'credit' };
    expect(posted).toEqual([
      { ...posting, account_id: 'platform:credits', amount_nano_usd: '-2500000000' },
      { ...posting, account_id: 'tenant:acme', amount_nano_usd: '2500000000' },
    ]);
  });
});

describe('the audit log', () => {
  /** One call of each mutating method. A new method must be added here: the test below walks the classes. */
  const calls: Record<string, Record<string, (given: Change) => Promise<unknown>>> = {
    tenants: {
      create: (given) => store.tenants.create(given, tenantInput({ id: 'new' })),
      update: (given) => store.tenants.update(given, 'acme', { name: 'A' }),
      remove: (given) => store.tenants.remove(given, 'empty'),
    },
    keys: {
      create: (given) => store.keys.create(given, keyInput()),
      update: async (given) => store.keys.update(given, await anyKey(), { name: 'n' }),
      rotate: async (given) => store.keys.rotate(given, await anyKey(), { overlapSeconds: 0 }),
      revoke: async (given) => store.keys.revoke(given, await anyKey()),
    },
    providers: {
      create: (given) => store.providers.create(given, providerInput({ id: 'second' })),
      update: (given) => store.providers.update(given, 'claude', { tier: 1 }),
      remove: (given) => store.providers.remove(given, 'idle'),
    },
    models: {
      create: (given) => store.models.create(given, modelInput({ id: 'new' })),
      update: (given) => store.models.update(given, 'own/model', { description: 'd' }),
      remove: (given) => store.models.remove(given, 'own/model'),
    },
    budgets: {
      set: (given) => store.budgets.set(given, { tenantId: 'acme' }, { usd: 1, period: 'day' }),
      clear: (given) => store.budgets.clear(given, { tenantId: 'acme' }),
    },
    credits: { topUp: (given) => store.credits.topUp(given, 'acme', { usd: 1, note: '' }) },
  };
  const READS = new Set(['constructor', 'list', 'get', 'prices', 'totalNanoUsd', 'view', 'check', 'stored']);
  const cases = Object.entries(calls).flatMap(([service, methods]) =>
    Object.keys(methods).map((method) => [service, method] as const),
  );

  async function anyKey(): Promise<string> {
    return (await store.keys.list({ limit: 1 })).data[0]?.id ?? '';
  }

  beforeEach(async () => {
    await createTenant();
    await createTenant({ id: 'empty' });
    await createKey();
    await createProvider();
    await createProvider({ id: 'idle' });
    await createModel();
    await database.sql('TRUNCATE audit_log, outbox');
  });

  test('no mutating method is missing below', () => {
    for (const service of ['tenants', 'keys', 'providers', 'models', 'budgets', 'credits'] as const) {
      const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(store[service]));
      expect([service, ...methods.filter((method) => !READS.has(method)).sort()]).toEqual([
        service,
        ...Object.keys(calls[service] ?? {}).sort(),
      ]);
    }
  });

  test.each(cases)('%s.%s is audited with who, what and to whom, in its own transaction', async (service, method) => {
    await change((given) => calls[service]?.[method]?.(given) ?? Promise.reject(new Error('no call')));
    const lines = await audited();
    expect(lines).toHaveLength(1);
    const resource = service === 'budgets' ? 'tenant' : service.slice(0, -1);
    expect(lines[0]).toMatchObject({
      actor: 'admin-token',
      resource_type: resource,
      resource_id: expect.stringMatching(/./),
    });
    const isCatalog = service === 'providers' || service === 'models';
    expect(lines[0]?.['tenant_id']).toEqual(isCatalog ? null : expect.stringMatching(/./));
    const { before, after } = lines[0] as { before: object | null; after: object | null };
    expect({ before: before !== null, after: after !== null }).toEqual({
      before: method !== 'create' && method !== 'topUp',
      after: method !== 'remove',
    });
    expect(after).not.toEqual(before);
    expect(await outbox()).not.toEqual([]);
  });

  test.each(cases)('%s.%s leaves nothing behind when its transaction fails', async (service, method) => {
    const tables = async () =>
      JSON.stringify(
        await database.sql(`SELECT (SELECT json_agg(t) FROM tenants t) a, (SELECT json_agg(k) FROM api_keys k) b,
        (SELECT json_agg(s) FROM key_secrets s) c, (SELECT json_agg(p) FROM providers p) d,
        (SELECT json_agg(m) FROM models m) e, (SELECT json_agg(c) FROM credit_entries c) f`),
      );
    const before = await tables();
    const failing = change(async (given) => {
      await calls[service]?.[method]?.(given);
      throw new Error('at the last moment');
    });
    await expect(failing).rejects.toThrow('at the last moment');
    expect([await tables(), await audited(), await outbox()]).toEqual([before, [], []]);
  });
});
