import { readdirSync, renameSync } from 'node:fs';
import path from 'node:path';
import { LedgerUnavailableError } from '@switchboard/contracts';
import { createLogger, createMetrics } from '@switchboard/platform';
import { openTestDatabase, type TestDatabase } from './__fixtures__/database';
import { event, ids } from './__fixtures__/usage-events';
import { UsageSpool } from './client';
import { createMetering, type Metering } from './metering';

jest.setTimeout(60_000);

const log = createLogger({ level: 'silent', name: 'test' });
const NOWHERE = 'postgresql://nobody:x@127.0.0.1:1/none';
const ACME = { tenantId: 'acme', fromMs: 0 };

let database: TestDatabase;

beforeAll(async () => {
  database = await openTestDatabase(log);
});

afterAll(() => database.close());

beforeEach(() => database.empty());

const metering = (databaseUrl = database.url): Metering =>
  createMetering({ databaseUrl, logger: log, metrics: createMetrics(), drainTimeoutMs: 0 });

test('what is in memory when asked is stored at once and in the answer', async () => {
  const { store, ledger, close } = metering();
  for (const id of ids(1_234)) store.record(event(id, { costNanoUsd: 1 }));
  expect(await ledger.spent(ACME)).toEqual({ nanoUsd: 1_234 });
  const answers = ids(200).map((_, index) => {
    store.record(event(`more_${index}`, { costNanoUsd: 1 }));
    return ledger.spent(ACME).then(({ nanoUsd }) => nanoUsd - 1_235 - index);
  });
  expect(Math.min(...(await Promise.all(answers)))).toBeGreaterThanOrEqual(0);
  await close();
});

test('a question does not wait for the next turn of the store', async () => {
  const { store, ledger, close } = metering();
  const tookMs: number[] = [];
  for (const [index, id] of ids(10).entries()) {
    store.record(event(id, { costNanoUsd: 1 }));
    const startedAt = performance.now();
    expect(await ledger.spent(ACME)).toEqual({ nanoUsd: index + 1 });
    tookMs.push(performance.now() - startedAt);
  }
  // A turn comes every 100 ms.
  expect(Math.min(...tookMs)).toBeLessThan(50);
  await close();
});

test('what comes after the question does not hold up the answer', async () => {
  const { store, ledger, close } = metering();
  store.record(event('req_0'));
  let answered = false;
  const asked = ledger.spent(ACME).finally(() => (answered = true));
  for (let index = 1; !answered; index++) {
    store.record(event(`req_${index}`));
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect((await asked).nanoUsd).toBeGreaterThanOrEqual(330_000);
  await close();
});

test('after a kill the answer has what was not stored before it, from the first question on', async () => {
  const dir = path.join(database.folder, 'spool');
  const spooling = async (databaseUrl = database.url): Promise<Metering> => {
    const spool = await UsageSpool.open({ dir, bytesMax: 64 * 1024 * 1024, log, metrics: createMetrics() });
    return createMetering({ databaseUrl, logger: log, metrics: createMetrics(), drainTimeoutMs: 0, spool });
  };
  const first = await spooling(NOWHERE);
  for (const id of ids(5_000)) first.store.record(event(id, { costNanoUsd: 1 }));
  await first.close();
  // Its folder names a process that is no more.
  const [name = ''] = readdirSync(dir);
  renameSync(path.join(dir, name), path.join(dir, `${2 ** 30}-0123456789abcdef-00000000.v1`));

  const { ledger, close } = await spooling();
  expect(await ledger.spent(ACME)).toEqual({ nanoUsd: 5_000 });
  await close();
  expect(readdirSync(dir)).toEqual([]);
});

test('without Postgres the question fails, in time and with a reason, whether records wait or not', async () => {
  const { store, ledger, close } = metering(NOWHERE);
  await expect(ledger.spent(ACME)).rejects.toThrow(/^the ledger cannot be read: .*ECONNREFUSED/);
  for (const id of ids(3)) store.record(event(id));
  const startedAt = performance.now();
  const asked = ledger.spent(ACME);
  await expect(asked).rejects.toThrow(LedgerUnavailableError);
  await expect(asked).rejects.toThrow('the ledger is 3 records behind');
  expect(performance.now() - startedAt).toBeLessThan(2_400);
  await close();
});
