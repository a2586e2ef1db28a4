import { type UsageRecordedV1 } from '@switchboard/contracts';
import { createLogger, createPool, type Pool } from '@switchboard/platform';
import fc from 'fast-check';
import { openTestDatabase, type TestDatabase } from './__fixtures__/database';
import { event, idAt } from './__fixtures__/usage-events';
import { auditLedger } from './adapters/ledger-audit';
import { writeUsage } from './adapters/usage-insert';
import { openUsageQueries } from './metering';

jest.setTimeout(120_000);

const log = createLogger({ level: 'silent', name: 'test' });

let database: TestDatabase;
/** Two replicas of metering. */
let writers: [Pool, Pool];

beforeAll(async () => {
  database = await openTestDatabase(log);
  // Two writers that meet in opposite order are told so after this long: a second, by default.
  await database.sql(`ALTER DATABASE switchboard SET deadlock_timeout = '20ms'`);
  await database.sql(
    `SELECT usage_add_month(month::date) FROM unnest(ARRAY['2026-09-01', '2026-10-01', '2026-11-01']) AS month`,
  );
  const writer = (): Pool => createPool({ url: database.url, log, connectionsMax: 2 });
  writers = [writer(), writer()];
});

afterAll(async () => {
  await Promise.all(writers.map((pool) => pool.end()));
  await database.close();
});

beforeEach(() => database.empty());

const write = (events: UsageRecordedV1[], writer = 0) => writeUsage(writers[writer]!, events);

const exact = (id: string, changes: Partial<UsageRecordedV1> = {}) => event(id, { costNanoUsd: 100, ...changes });
const estimated = (id: string) => event(id, { accuracy: 'estimated', costNanoUsd: 250, model: 'other/model' });
const orphaned = (id: string) =>
  event(id, { accuracy: 'orphaned', costNanoUsd: 1_000, finish: 'orphaned', upstream: 'planned' });

async function audited(): Promise<unknown[]> {
  const { breaches, breachCount } = await auditLedger({ url: database.url, log });
  return breachCount === 0 ? [] : breaches;
}

const balances = async (): Promise<Record<string, number>> =>
  Object.fromEntries(
    (
      await database.sql(
        'SELECT account_id AS id, sum(amount_nano_usd)::text AS sum FROM ledger_entries GROUP BY 1 ORDER BY 1',
      )
    ).map(({ id, sum }) => [id, Number(sum)]),
  );

/** Of each request, what all readers see. */
const current = async (): Promise<UsageRecordedV1[]> => {
  const { queries, close } = openUsageQueries(database.url, log);
  const { records } = await queries.list({}, { limit: 1_000 });
  await close();
  return records.sort((one, other) => (one.requestId < other.requestId ? -1 : 1));
};

/** All there is, to see that nothing changed. */
const everything = () =>
  database.sql(
    `SELECT (SELECT json_agg(u ORDER BY id) FROM usage u) AS usage, (SELECT json_agg(t ORDER BY id) FROM ledger_transactions t) AS transactions,
            (SELECT json_agg(e ORDER BY transaction_id, account_id) FROM ledger_entries e) AS entries,
            (SELECT json_agg(r ORDER BY tenant_id, key_id, hour, model, upstream, accuracy) FROM usage_rollups r) AS rollups`,
  );

describe('a batch', () => {
  test('is one transaction with an entry per tenant and the counter entry, and its rows name it', async () => {
    await write([
      exact('a'),
      exact('b', { tenantId: 'other', costNanoUsd: 7 }),
      exact('c'),
      exact('d', { costNanoUsd: 0 }),
    ]);
    expect(await balances()).toEqual({ 'platform:usage': 207, 'tenant:acme': -200, 'tenant:other': -7 });
    expect(await database.sql('SELECT kind FROM ledger_transactions')).toEqual([{ kind: 'usage' }]);
    const named = await database.sql(
      'SELECT count(*)::int AS rows FROM usage JOIN ledger_transactions t ON t.id = ledger_transaction_id',
    );
    expect(named).toEqual([{ rows: 4 }]);
    expect(await audited()).toEqual([]);
  });

  test('of free calls is stored and summed up, and moves no money', async () => {
    await write([exact('a', { costNanoUsd: 0 })]);
    expect(await balances()).toEqual({});
    expect(await database.sql('SELECT requests::int FROM usage_rollups')).toEqual([{ requests: 1 }]);
    expect(await audited()).toEqual([]);
  });

  test('that was stored before changes nothing', async () => {
    await write([exact('a'), estimated('b'), orphaned('c')]);
    const before = await everything();
    expect(await write([orphaned('c'), exact('a'), estimated('b')], 1)).toEqual({
      stored: 0,
      corrected: 0,
      refused: [],
    });
    expect(await everything()).toEqual(before);
  });

  test('with an event the database refuses moves the ledger by the others', async () => {
    const { refused, stored } = await write([exact('a'), exact('b', { attempts: 2 ** 40 }), exact('c')]);
    expect([stored, refused.map(({ event: { requestId } }) => requestId)]).toEqual([2, ['b']]);
    expect(await balances()).toEqual({ 'platform:usage': 200, 'tenant:acme': -200 });
    expect(await audited()).toEqual([]);
  });

  test('that would make a sum greater than the database holds is refused, and leaves nothing half done', async () => {
    await write([exact('a')]);
    await database.sql('UPDATE usage_rollups SET cost_nano_usd = 9223372036854775807');
    const { refused } = await write([exact('b')]);
    expect(refused.map(({ error }) => error.message)).toEqual([expect.stringContaining('out of range')]);
    expect(await balances()).toEqual({ 'platform:usage': 100, 'tenant:acme': -100 });
  });
});

describe('of two events about one request the more accurate counts, once', () => {
  const orders: [string, UsageRecordedV1[][], UsageRecordedV1][] = [
    ['exact, then orphaned', [[exact('a')], [orphaned('a')]], exact('a')],
    ['orphaned, then exact', [[orphaned('a')], [exact('a')]], exact('a')],
    ['estimated, then exact', [[estimated('a')], [exact('a')]], exact('a')],
    ['orphaned, then estimated, then exact', [[orphaned('a')], [estimated('a')], [exact('a')]], exact('a')],
    ['orphaned and exact in one batch', [[orphaned('a'), exact('a')]], exact('a')],
    ['exact and orphaned in one batch', [[exact('a'), orphaned('a')]], exact('a')],
    ['orphaned, then estimated', [[orphaned('a')], [estimated('a'), orphaned('a')]], estimated('a')],
    ['exact, then another exact', [[exact('a')], [exact('a', { costNanoUsd: 5 })]], exact('a')],
  ];

  test.each(orders)('%s', async (_, batches, expected) => {
    for (const batch of batches) await write(batch);
    for (const batch of batches) await write(batch, 1);
    expect(await current()).toEqual([expected]);
    expect(await balances()).toEqual({
      'platform:usage': expected.costNanoUsd,
      'tenant:acme': -expected.costNanoUsd,
    });
    const summed = 'SELECT model, upstream, accuracy, requests::int FROM usage_rollups WHERE requests <> 0';
    const { model, upstream, accuracy } = expected;
    expect(await database.sql(summed)).toEqual([{ model, upstream, accuracy, requests: 1 }]);
    expect(await audited()).toEqual([]);
  });

  test('a correction keeps the earlier row, adds one of the next revision, and posts the difference', async () => {
    await write([orphaned('a'), exact('b')]);
    expect(await write([exact('a'), exact('c')])).toEqual({ stored: 1, corrected: 1, refused: [] });
    expect(await database.sql(`SELECT revision, accuracy FROM usage WHERE request_id = 'a' ORDER BY id`)).toEqual([
      { revision: 0, accuracy: 'orphaned' },
      { revision: 1, accuracy: 'exact' },
    ]);
    const correction = `SELECT account_id, amount_nano_usd::int AS amount FROM ledger_entries JOIN ledger_transactions
      ON id = transaction_id WHERE kind = 'correction' ORDER BY 1`;
    expect(await database.sql(correction)).toEqual([
      { account_id: 'platform:usage', amount: -900 },
      { account_id: 'tenant:acme', amount: 900 },
    ]);
    const { queries, close } = openUsageQueries(database.url, log);
    const ofUpstreams = await queries.totals({}, 'upstream', 10);
    await close();
    // What was corrected away is no group of its own.
    expect(ofUpstreams.totals).toMatchObject([{ group: 'claude-direct', requests: 3n, costNanoUsd: 300n }]);
  });

  test('from two replicas at once, in opposite orders', async () => {
    const requests = Array.from({ length: 30 }, (_, index) => `r${index}`);
    const firsts = requests.map(orphaned);
    const seconds = requests.map((id) => exact(id));
    const written = await Promise.all([
      write(firsts, 0),
      write([...firsts].reverse(), 1),
      write(seconds, 0),
      write([...seconds].reverse(), 1),
    ]);
    expect(written.flatMap(({ refused }) => refused)).toEqual([]);
    expect((await current()).map(({ accuracy }) => accuracy)).toEqual(requests.map(() => 'exact'));
    expect(await balances()).toEqual({ 'platform:usage': 3_000, 'tenant:acme': -3_000 });
    expect(await audited()).toEqual([]);
  });

  test('two replicas that correct a request at once: one does, and neither refuses', async () => {
    // One each: of more, a refusal would be halved and tried again, which hides it.
    for (let round = 0; round < 150; round++) {
      await write([orphaned(`r${round}`)]);
      const written = await Promise.all([0, 1].map((writer) => write([exact(`r${round}`)], writer)));
      expect(written.flatMap(({ refused }) => refused)).toEqual([]);
      expect(written.reduce((sum, { corrected }) => sum + corrected, 0)).toBe(1);
    }
    expect(await audited()).toEqual([]);
  });
});

/** In partitions of three months and, by an id of a month that has none and by one of another kind, in the default. */
const REQUESTS = [
  ...['2026-09-30T23:59:59.999Z', '2026-10-01T00:00:00Z', '2026-11-15T12:00:00Z', '2001-01-01T00:00:00Z'].map((time) =>
    idAt(Date.parse(time)),
  ),
  'another-kind',
];

test('two replicas that store and correct calls of the same keys and models wait for each other in no circle', async () => {
  const store = async (name: string): Promise<void> => {
    let givenUp = 0;
    const pool = createPool({ url: database.url, log, connectionsMax: 1 });
    // A transaction that is given up takes its connection with it.
    pool.on('remove', () => givenUp++);
    const call = (round: number, index: number, accuracy: 'orphaned' | 'exact') =>
      event(`${name}_${round}_${index}`, {
        accuracy,
        keyId: `key_${(index * 7 + round) % 30}`,
        model: `model_${(index * 5 + round) % 8}`,
        startedAtMs: Date.parse('2026-11-20T12:00:00Z') + (round % 6) * 3_600_000,
      });
    const places = Array.from({ length: 100 }, (_, index) => index);
    for (let round = 0; round < 12; round++) {
      await writeUsage(
        pool,
        places.map((index) => call(round, index, index % 4 === 0 ? 'orphaned' : 'exact')),
      );
      await writeUsage(pool, [...places.map((index) => call(round, index, 'exact')), call(round, 100, 'exact')]);
    }
    expect(givenUp).toBe(0);
    await pool.end();
  };
  await Promise.all([store('one'), store('other')]);
  expect(await audited()).toEqual([]);
});

test('whatever comes, in whatever order and batches, twice, to two replicas: each request is what is known best of it', async () => {
  const anEvent = fc.record({
    request: fc.integer({ min: 0, max: 4 }),
    accuracy: fc.constantFrom<UsageRecordedV1['accuracy']>('orphaned', 'estimated', 'exact'),
    upstream: fc.constantFrom('one', 'two'),
    hour: fc.integer({ min: 0, max: 1 }),
  });
  const history = fc.record({
    batches: fc.array(
      fc.record({ writer: fc.constantFrom(0, 1), events: fc.array(anEvent, { minLength: 1, maxLength: 6 }) }),
      {
        minLength: 1,
        maxLength: 8,
      },
    ),
    again: fc.boolean(),
  });
  const rank = { orphaned: 0, estimated: 1, exact: 2 };
  await fc.assert(
    fc.asyncProperty(history, async ({ batches, again }) => {
      await database.empty();
      const made = batches.map(({ writer, events }) => ({
        writer,
        events: events.map(({ request, accuracy, upstream, hour }) =>
          event(REQUESTS[request]!, {
            accuracy,
            upstream,
            tenantId: `tenant_${request % 2}`,
            // What is known of a request at one accuracy is one thing: whoever says it.
            costNanoUsd: 1_000 * (request + 1) + 10 ** (2 - rank[accuracy]),
            startedAtMs: Date.parse('2026-11-20T12:00:00Z') + hour * 3_600_000,
          }),
        ),
      }));
      const queues = [0, 1].map((writer) => made.filter((batch) => batch.writer === writer));
      const deliver = async (writer: number, queue: typeof made): Promise<void> => {
        for (const { events } of again ? [...queue, ...queue] : queue) {
          expect((await write(events, writer)).refused).toEqual([]);
        }
      };
      await Promise.all(queues.map((queue, writer) => deliver(writer, queue)));
      const best = new Map<string, UsageRecordedV1>();
      for (const each of made.flatMap(({ events }) => events)) {
        const known = best.get(each.requestId);
        if (known === undefined || rank[each.accuracy] > rank[known.accuracy]) best.set(each.requestId, each);
      }
      const seen = (await current()).map(({ requestId, accuracy, costNanoUsd }) => ({
        requestId,
        accuracy,
        costNanoUsd,
      }));
      const expected = [...best.values()]
        .map(({ requestId, accuracy, costNanoUsd }) => ({ requestId, accuracy, costNanoUsd }))
        .sort((one, other) => (one.requestId < other.requestId ? -1 : 1));
      expect(seen).toEqual(expected);
      expect((await balances())['platform:usage']).toBe(
        expected.reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0),
      );
      expect(await audited()).toEqual([]);
    }),
    { numRuns: 60 },
  );
});

describe('the database itself refuses', () => {
  const entries = (values: string): string =>
    `WITH posting AS (INSERT INTO ledger_transactions (kind, reference) VALUES ('usage', gen_random_uuid()) RETURNING id)
     INSERT INTO ledger_entries SELECT id, account, amount FROM posting, (VALUES ${values}) AS v (account, amount)`;

  beforeEach(() => write([exact('a')]));

  /** One attempt: the fixture's `sql` tries many times. */
  const attempt = (text: string) => writers[0].query(text);

  test('entries that do not add up to 0', async () => {
    await expect(attempt(entries(`('tenant:acme', -5), ('platform:usage', 4)`))).rejects.toThrow('do not add up to 0');
    await expect(attempt(entries(`('tenant:acme', -5), ('platform:usage', 5)`))).resolves.toBeDefined();
  });

  test('an entry of nothing', async () => {
    await expect(attempt(entries(`('tenant:acme', 0)`))).rejects.toThrow('ledger_entries_amount');
  });

  test('further entries of a transaction, balanced as they may be', async () => {
    const more = `INSERT INTO ledger_entries SELECT max(id), account, amount FROM ledger_transactions,
      (VALUES ('platform:credits', 5), ('tenant:new', -5)) AS v (account, amount) GROUP BY 2, 3`;
    await attempt(`INSERT INTO ledger_accounts VALUES ('tenant:new', 'tenant', 'new')`);
    await expect(attempt(more)).rejects.toThrow('gets no more');
  });

  test.each([
    'UPDATE usage SET cost_nano_usd = 1',
    'DELETE FROM usage',
    'UPDATE ledger_entries SET amount_nano_usd = 1',
    'DELETE FROM ledger_entries',
    'TRUNCATE ledger_entries',
    'UPDATE ledger_transactions SET kind = kind',
    'DELETE FROM ledger_transactions',
    'TRUNCATE ledger_transactions CASCADE',
    `UPDATE ledger_accounts SET kind = 'tenant'`,
    'DELETE FROM ledger_accounts',
    'TRUNCATE ledger_accounts CASCADE',
  ])('%s', async (statement) => {
    const before = await everything();
    await expect(attempt(statement)).rejects.toThrow('append-only');
    expect(await everything()).toEqual(before);
  });
});
