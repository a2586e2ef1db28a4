import { setTimeout as delay } from 'node:timers/promises';
import { BUCKETS } from '@switchboard/contracts';
import { type AdminDatabase, openStore, ring, startAdminDatabase } from './__fixtures__/admin-database';
import type { AdminStore } from './admin-store';
import type { Change, MutationReply, MutationRequest } from './mutations';

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

const request = (
  differs: Partial<NonNullable<MutationRequest['idempotency']>> = {},
  actor = 'alice',
): MutationRequest => ({
  actor: { name: actor },
  idempotency: { key: 'once', requestHash: 'a'.repeat(64), ...differs },
});

const refused = (status: number) => expect.objectContaining({ status });

describe('a mutation with an idempotency key', () => {
  test('is carried out once: who comes again gets the first reply', async () => {
    let runs = 0;
    const work = (): Promise<MutationReply> => Promise.resolve({ status: 201, body: { run: ++runs } });
    expect(await store.mutations.run(request(), work)).toEqual({ status: 201, body: { run: 1 }, replayed: false });
    expect(await store.mutations.run(request(), work)).toEqual({ status: 201, body: { run: 1 }, replayed: true });
    expect(runs).toBe(1);
  });

  test('who comes while the first is under way waits for it, and gets its reply', async () => {
    let runs = 0;
    const work = async (change: Change): Promise<MutationReply> => {
      runs += 1;
      await delay(200);
      const tenant = await store.tenants.create(change, { id: 'acme', active: true, limits: {} });
      return { status: 201, body: { id: tenant.id } };
    };
    const replies = await Promise.all(Array.from({ length: 4 }, () => store.mutations.run(request(), work)));
    expect(runs).toBe(1);
    expect(replies.map(({ body }) => body)).toEqual(Array(4).fill({ id: 'acme' }));
    expect(replies.filter(({ replayed }) => !replayed)).toHaveLength(1);
  });

  test('with another request is a conflict and does nothing', async () => {
    const work = (): Promise<MutationReply> => Promise.resolve({ status: 200, body: {} });
    await store.mutations.run(request(), work);
    const other = store.mutations.run(request({ requestHash: 'b'.repeat(64) }), () => Promise.reject(new Error('ran')));
    await expect(other).rejects.toEqual(refused(409));
  });

  test('failures are not kept: the next try runs', async () => {
    await expect(store.mutations.run(request(), () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    const reply = await store.mutations.run(request(), () => Promise.resolve({ status: 200, body: { ok: true } }));
    expect(reply).toEqual({ status: 200, body: { ok: true }, replayed: false });
  });

  test('of another actor is another key', async () => {
    await store.mutations.run(request(), () => Promise.resolve({ status: 200, body: { of: 'alice' } }));
    const reply = await store.mutations.run(request({}, 'bob'), () =>
      Promise.resolve({ status: 200, body: { of: 'bob' } }),
    );
    expect(reply).toMatchObject({ body: { of: 'bob' }, replayed: false });
  });

  test('after a day is free again', async () => {
    await store.mutations.run(request(), () => Promise.resolve({ status: 200, body: { run: 1 } }));
    await database.sql("UPDATE idempotent_replies SET created_at = now() - interval '25 hours'");
    const reply = await store.mutations.run(request(), () => Promise.resolve({ status: 200, body: { run: 2 } }));
    expect(reply).toMatchObject({ body: { run: 2 }, replayed: false });
  });

  test('its reply rests sealed, and one sealed under a key that is gone is a conflict, not a second run', async () => {
    await store.mutations.run(request(), () => Promise.resolve({ status: 201, body: { key: 'cm_live_plaintext' } }));
    expect(JSON.stringify(await database.sql('SELECT * FROM idempotent_replies'))).not.toContain('plaintext');
    const other = openStore(database, { kek: ring('kek-2') });
    const again = other.mutations.run(request(), () => Promise.reject(new Error('ran')));
    await expect(again).rejects.toEqual(refused(409));
    await other.close();
  });
});

describe('a mutation', () => {
  test('names each entry once in the outbox, in the order they were first named', async () => {
    await store.mutations.run({ actor: { name: 'alice' } }, (change) => {
      for (const key of ['b', 'a', 'b']) change.publish(BUCKETS.keys, key);
      return Promise.resolve({ status: 200, body: {} });
    });
    expect(await database.sql('SELECT key FROM outbox ORDER BY id')).toEqual([{ key: 'b' }, { key: 'a' }]);
  });

  test('changes of one tenant at the same time do not undo one another', async () => {
    const run = (work: (change: Change) => Promise<unknown>) =>
      store.mutations.run({ actor: { name: 'alice' } }, async (change) => {
        await work(change);
        return { status: 200, body: {} };
      });
    await run((change) => store.tenants.create(change, { id: 'acme', active: true, limits: {} }));
    await Promise.all([
      run((change) => store.tenants.update(change, 'acme', { name: 'Acme' })),
      run((change) => store.tenants.update(change, 'acme', { active: false })),
      run((change) => store.budgets.set(change, { tenantId: 'acme' }, { usd: 1, period: 'day' })),
    ]);
    expect(await store.tenants.get('acme')).toMatchObject({ name: 'Acme', active: false, budget: { usd: 1 } });
  });
});
