import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  type Bus,
  BusUnavailableError,
  encodeJson,
  ResponseStoreUnavailableError,
  STORED_RESPONSE_BYTES_MAX,
  STREAMS,
  SUBJECTS,
} from '@switchboard/contracts';
import {
  createLocalBus,
  createLogger,
  createMetrics,
  createPool,
  createTenantSealer,
  type LocalServer,
  type Metrics,
  openNatsBus,
  type Pool,
  startNats,
} from '@switchboard/platform';
import { openTestDatabase, type TestDatabase } from '../__fixtures__/database';
import { until } from '../__fixtures__/waiting';
import { responseRetention } from '../jobs/adapters/response-retention';
import { response } from './__fixtures__/responses';
import { ResponseRows } from './adapters/response-rows';
import { createResponseClient } from './bus-response-parts';
import { splitResponse } from './core/split-response';
import { ResponseArchive } from './response-archive';
import { ResponseConsumer } from './response-consumer';
import { ResponseService } from './response-service';

jest.setTimeout(60_000);

const logged: string[] = [];
const log = createLogger({ level: 'info', name: 'test' }, { write: (line) => void logged.push(line) });
const sealer = createTenantSealer([{ id: 'k1', key: randomBytes(32) }]);

let database: TestDatabase;
let pool: Pool;
let folder: string;
let nats: LocalServer;
let opened: (() => Promise<unknown>)[];
/** The stream takes what comes again under the same id once: each test has ids of its own. */
let round = 0;

beforeAll(async () => {
  database = await openTestDatabase(log);
  pool = createPool({ url: database.url, log, connectionsMax: 4 });
  folder = await mkdtemp(path.join(tmpdir(), 'switchboard-responses-'));
  nats = await startNats({ folder, log });
});

afterAll(async () => {
  await pool.end();
  await database.close();
  await nats.stop('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  await database.sql('TRUNCATE stored_responses CASCADE; DELETE FROM tenants');
  logged.length = 0;
  opened = [];
  round++;
});

afterEach(async () => {
  for (const close of opened.reverse()) await close();
});

function connect(name: string): Bus {
  const bus = openNatsBus({ url: nats.url, name, log });
  opened.push(() => bus.close());
  return bus;
}

/** One of several edges. */
function edge(bus: Bus = connect('edge'), metrics: Metrics = createMetrics(), ring = sealer): ResponseArchive {
  const archive = createResponseClient({ bus, sealer: ring, log, metrics });
  opened.push(() => archive.close());
  return archive;
}

function metering(bus: Bus = connect('metering'), at: Pool = pool): void {
  const rows = new ResponseRows({ pool: at });
  const consumer = new ResponseConsumer({ bus, pool: at, rows, log, metrics: createMetrics() });
  const service = new ResponseService({ bus, rows });
  opened.push(() => Promise.all([consumer.stop(), service.stop()]));
  consumer.start();
  service.start();
}

const id = (name: number | string): string => `resp_${round}x${name}`;
/** By items, for those nobody looks twice. */
const served = (archive: ResponseArchive): Promise<void> =>
  until(() =>
    archive.findByItems('acme', ['msg_none']).then(
      () => true,
      () => false,
    ),
  );

async function outcomes(metrics: Metrics, name: string): Promise<Record<string, number>> {
  const metric = await metrics.registry.getSingleMetric(`switchboard_${name}`)?.get();
  return Object.fromEntries((metric?.values ?? []).map(({ labels, value }) => [labels['outcome'], value]));
}

test('what one edge stores another reads at once, to the last bit, and nobody in between can', async () => {
  metering();
  const [first, second] = [edge(), edge()];
  await served(second);
  for (let index = 0; index < 8; index++) {
    const stored = response(id(index));
    first.put(stored);
    expect(await second.get('acme', stored.id)).toEqual(stored);
  }
  expect(await second.get('other', id(0))).toBeUndefined();
  expect(await second.get('acme', id(8))).toBeUndefined();
  const [row] = await database.sql("SELECT string_agg(encode(sealed, 'escape'), '') AS all FROM stored_response_parts");
  expect(JSON.stringify(row)).not.toContain('cheese');
  expect(logged.join('\n')).not.toContain('cheese');
});

test('a response of several messages is whole or not there; one that is too large is counted', async () => {
  metering();
  const metrics = createMetrics();
  const [writer, reader] = [edge(connect('edge'), metrics), edge()];
  await served(reader);
  // Base64 of noise: compression takes a quarter off.
  const large = response(id('large'), randomBytes(900_000).toString('base64'));
  writer.put(large);
  writer.put(response(id('too_large'), 'x'.repeat(STORED_RESPONSE_BYTES_MAX)));
  expect(await reader.get('acme', id('large'))).toEqual(large);
  await until(async () => (await outcomes(metrics, 'responses_put_total'))['kept'] === 1);
  expect(await outcomes(metrics, 'responses_put_total')).toMatchObject({ kept: 1, too_large: 1, dropped: 0 });
  const parts = await database.sql(`SELECT part FROM stored_response_parts WHERE response_id = '${large.id}'`);
  expect(parts.length).toBeGreaterThan(2);
  await database.sql(`DELETE FROM stored_response_parts WHERE response_id = '${large.id}' AND part = 1`);
  expect(await reader.get('acme', id('large'))).toBeUndefined();
});

test('the latest response that holds an item is found by it, of the same tenant alone', async () => {
  metering();
  const archive = edge();
  await served(archive);
  const first = response(id(1), 'one', { createdAtMs: 1_000 });
  const second = response(id(2), 'two', { createdAtMs: 2_000, input: [...first.input, { id: 'rs_x' }] });
  for (const each of [first, second, response(id(3), 'three', { tenantId: 'other' })]) archive.put(each);
  expect(await archive.drain(5_000)).toBe(0);
  expect((await archive.findByItems('acme', [`msg_${round}x1_in0`, 'nobody']))?.id).toBe(id(2));
  expect((await archive.findByItems('acme', [`msg_${round}x1_0`]))?.id).toBe(id(1));
  expect((await archive.findByItems('acme', ['rs_x']))?.id).toBe(id(2));
  expect(await archive.findByItems('acme', [`msg_${round}x3_0`])).toBeUndefined();
});

test('what is deleted is gone for everybody, at once and for good', async () => {
  metering();
  const bus = connect('edge');
  const [writer, reader] = [edge(bus), edge()];
  await served(reader);
  const stored = response(id(1));
  writer.put(stored);
  expect(await reader.delete('other', id(1))).toBe(false);
  expect(await writer.delete('acme', id(1))).toBe(true);
  expect(await reader.get('acme', id(1))).toBeUndefined();
  expect(await reader.findByItems('acme', [`msg_${round}x1_0`])).toBeUndefined();
  expect(await reader.delete('acme', id(1))).toBe(false);
  // The message that comes once more does not bring it back.
  for (const part of splitResponse(stored, sealer.seal(Buffer.from('x'), 'acme', `response:${stored.id}`))) {
    await bus.append(STREAMS.responses, encodeJson(part), randomUUID());
  }
  expect(await reader.get('acme', id(1))).toBeUndefined();
  expect(await database.sql('SELECT count(*)::int AS n FROM stored_response_parts')).toEqual([{ n: 0 }]);
});

test('without metering, or without its database, nobody is told that a response is unknown', async () => {
  const archive = edge();
  await until(() =>
    archive.get('acme', id(1)).then(
      () => false,
      (error: unknown) => error instanceof ResponseStoreUnavailableError && error.cause instanceof BusUnavailableError,
    ),
  );
  const away = createPool({ url: 'postgresql://nobody@127.0.0.1:1/none', log });
  opened.push(() => away.end());
  metering(connect('metering'), away);
  await until(() =>
    archive.get('acme', id(1)).then(
      () => false,
      (error: unknown) => error instanceof ResponseStoreUnavailableError && error.message.includes('ECONNREFUSED'),
    ),
  );
});

test('what nobody can store, or ask for, holds up nothing', async () => {
  const bus = connect('metering');
  metering(bus);
  const archive = edge();
  await served(archive);
  const [part] = splitResponse(response(id('odd')), Buffer.from('x'));
  for (const odd of [{ ...part, part: 1 }, { ...part, parts: 2 ** 40 }, { ...part, itemIds: 'no' }, 'cheese']) {
    await bus.append(STREAMS.responses, encodeJson(odd), randomUUID());
  }
  archive.put(response(id(1), 'a half pair \ud800 and \0'));
  const reader = edge();
  await served(reader);
  expect((await reader.get('acme', id(1)))?.input).toHaveLength(1);
  expect(logged.filter((line) => line.includes('cannot be stored'))).toHaveLength(4);
  await expect(bus.request(SUBJECTS.responsePart, encodeJson({ part: 0 }), { timeoutMs: 1_000 })).rejects.toThrow(
    'tenantId',
  );
});

test('sealed under a key that is no longer there: unknown to its tenant, and told to the operator', async () => {
  const bus = createLocalBus({ log });
  opened.push(() => bus.close());
  metering(bus);
  const metrics = createMetrics();
  edge(bus).put(response(id(1)));
  const other = edge(bus, metrics, createTenantSealer([{ id: 'k2', key: randomBytes(32) }]));
  expect(await other.get('acme', id(1))).toBeUndefined();
  expect(await outcomes(metrics, 'responses_lookups_total')).toMatchObject({ unreadable: 1, found: 0 });
  expect(logged.join('\n')).toMatch(/does not open[^]*|k1 is not in the ring/);
});

test('in one process it is in the database without a bus, and found while it is on its way', async () => {
  const metrics = createMetrics();
  const archive = new ResponseArchive({ parts: new ResponseRows({ pool, retentionDays: 2 }), sealer, log, metrics });
  const stored = response(id(1));
  archive.put(stored);
  archive.put(stored);
  expect(await archive.get('acme', id(1))).toEqual(stored);
  expect((await archive.findByItems('acme', [`msg_${round}x1_0`]))?.id).toBe(id(1));
  expect(await archive.drain(5_000)).toBe(0);
  expect(await archive.get('acme', id(1))).toEqual(stored);
  await archive.close();
  archive.put(response(id('late')));
  expect(await outcomes(metrics, 'responses_put_total')).toMatchObject({ kept: 1, duplicate: 1, dropped: 1 });
  const days = 'round(extract(epoch FROM expires_at - now()) / 86400)::int AS days';
  expect(await database.sql(`SELECT ${days} FROM stored_responses`)).toEqual([{ days: 2 }]);
});

test('the job takes out what has expired, and what belongs to no tenant any more, with its parts', async () => {
  await database.sql("INSERT INTO tenants (id, name, managed_by) VALUES ('acme', 'Acme', 'api')");
  const archive = new ResponseArchive({ parts: new ResponseRows({ pool }), sealer, log, metrics: createMetrics() });
  for (let index = 0; index < 7; index++) archive.put(response(id(index)));
  for (let index = 0; index < 4; index++) archive.put(response(id(index), 'x', { tenantId: 'removed' }));
  await archive.drain(5_000);
  await database.sql(
    `UPDATE stored_responses SET expires_at = now() WHERE response_id < '${id(5)}' AND tenant_id = 'acme'`,
  );
  expect(await archive.get('acme', id(0))).toBeUndefined();
  await responseRetention({ pool, log, batchRows: 2 }).run(new AbortController().signal);
  const left =
    'SELECT response_id FROM stored_responses JOIN stored_response_parts USING (tenant_id, response_id) ORDER BY 1';
  expect(await database.sql(left)).toEqual([{ response_id: id(5) }, { response_id: id(6) }]);
  await archive.close();
});
