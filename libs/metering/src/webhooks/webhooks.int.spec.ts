import { createHmac, randomBytes } from 'node:crypto';
import { BUDGET_THRESHOLDS_PERCENT, WEBHOOK_EVENT_TYPES } from '@switchboard/contracts';
import { createLogger, createMetrics, createPool, createSealer, type Pool, sealWebhook } from '@switchboard/platform';
import { openTestDatabase, type TestDatabase } from '../__fixtures__/database';
import { event } from '../__fixtures__/usage-events';
import { until } from '../__fixtures__/waiting';
import { webhookJobs } from '../jobs/webhooks';
import { createMetering, type Metering } from '../metering';
import { Receiver } from './__fixtures__/receiver';
import { Deliveries } from './adapters/deliveries';

jest.setTimeout(60_000);

const SECRET = 'whsec_zq7-secret';
const DAY_MS = 86_400_000;
const NOON_MS = Date.parse('2026-11-20T12:00:00.000Z');
const { signal: never } = new AbortController();

const logged: string[] = [];
const log = createLogger({ level: 'trace', name: 'test' }, { write: (line) => void logged.push(line) });
const sealer = createSealer([{ id: 'kek-1', key: randomBytes(32) }]);
let database: TestDatabase;
let metering: Metering;
let receiver: Receiver;
let replicas: Replica[];
let nowMs: number;
let count: number;

interface Replica {
  pool: Pool;
  metrics: ReturnType<typeof createMetrics>;
  look(signal?: AbortSignal): Promise<void>;
  deliver(signal?: AbortSignal): Promise<void>;
}

function replica(): Replica {
  const pool = createPool({ url: database.url, log });
  const metrics = createMetrics();
  const jobs = webhookJobs({ pool, sealer, log, metrics, nowMs: () => nowMs });
  const run =
    (name: string) =>
    (signal: AbortSignal = never) =>
      jobs.find((job) => job.name === name)!.run(signal);
  return { pool, metrics, look: run('budget-notices'), deliver: run('webhook-deliveries') };
}

beforeAll(async () => {
  [database, receiver] = await Promise.all([openTestDatabase(log), Receiver.start()]);
  metering = createMetering({ databaseUrl: database.url, logger: log, metrics: createMetrics() });
  replicas = [replica(), replica()];
});

afterAll(async () => {
  await Promise.all(replicas.map(({ pool }) => pool.end()));
  await metering.close();
  await receiver.stop();
  await database.close();
});

beforeEach(async () => {
  await database.empty();
  await database.sql(
    'TRUNCATE tenants, budget_watches, webhook_events, webhooks, audit_log, gateway_settings RESTART IDENTITY CASCADE',
  );
  nowMs = NOON_MS;
  count = 0;
  logged.length = 0;
  receiver.received.length = 0;
  receiver.replies = [];
  receiver.reply = { status: 204 };
});

async function tenant(budget?: object): Promise<void> {
  const json = budget === undefined ? 'NULL' : `'${JSON.stringify(budget)}'`;
  await database.sql(
    `INSERT INTO tenants (id, name, budget, managed_by) VALUES ('acme', 'Acme', ${json}, 'api')
     ON CONFLICT (id) DO UPDATE SET budget = EXCLUDED.budget`,
  );
}

async function webhook(
  id: string,
  { url = receiver.url, query = '', trusted = true, of = 'acme' as string | null, sealedFor = id } = {},
): Promise<void> {
  const sealed = sealWebhook(sealedFor, { secret: SECRET, query }, sealer);
  const owner = of === null ? 'NULL' : `'${of}'`;
  const events = WEBHOOK_EVENT_TYPES.join(',');
  await database.sql(
    `INSERT INTO webhooks (id, tenant_id, url, sealed, events, trusted_network, managed_by)
     VALUES ('${id}', ${owner}, '${url}/hook', '${sealed}', '{${events}}', ${String(trusted)}, 'api')`,
  );
}

async function spend(nanoUsd: number, changes: { keyId?: string; atMs?: number } = {}): Promise<void> {
  const { keyId = 'key_1', atMs = nowMs } = changes;
  metering.store.record(event(`req_${count++}`, { keyId, costNanoUsd: nanoUsd, startedAtMs: atMs }));
  await metering.store.drain(5_000);
}

/** Both replicas at once, and again. */
async function look(): Promise<void> {
  for (let round = 0; round < 2; round++) {
    nowMs += 1;
    await Promise.all(replicas.map((each) => each.look()));
  }
}

/** What there is to tell, in short: `budget 50`, `credits 80`, `day period`. */
async function events(): Promise<string[]> {
  const rows = await database.sql('SELECT type, body FROM webhook_events ORDER BY id');
  return rows.map(({ type, body }) => {
    const { data } = JSON.parse(String(body));
    return type === 'budget.period_started' ? `${data.period} period` : `${data.budget} ${data.thresholdPercent}`;
  });
}

const deliveries = (): Promise<Record<string, unknown>[]> =>
  database.sql('SELECT * FROM webhook_deliveries ORDER BY id');

describe('budgets', () => {
  test('each threshold is told once in a period, however many look at once', async () => {
    await webhookOf({ nanoUsd: 1000, period: 'day' });
    await look();
    expect(await events()).toEqual([]);
    await spend(499);
    await look();
    expect(await events()).toEqual([]);
    await spend(1);
    await look();
    expect(await events()).toEqual(['budget 50']);
    await spend(500);
    await look();
    await spend(1000);
    await look();
    expect(await events()).toEqual(BUDGET_THRESHOLDS_PERCENT.map((percent) => `budget ${percent}`));
    expect(await deliveries()).toHaveLength(3);
  });

  test('a new period is told, with all that was spent in the one before, and arms the thresholds again', async () => {
    await webhookOf({ nanoUsd: 1000, period: 'day' });
    await spend(600);
    await look();
    // Stored after the last look of that day.
    await spend(7);
    nowMs += DAY_MS;
    await look();
    expect(await events()).toEqual(['budget 50', 'day period']);
    const [, row] = await database.sql('SELECT body FROM webhook_events ORDER BY id');
    expect(JSON.parse(String(row!['body']))).toEqual({
      id: expect.stringMatching(/^evt_/),
      type: 'budget.period_started',
      createdAt: expect.stringMatching(/^2026-11-21T12:00/),
      data: {
        ...{ owner: 'tenant', id: 'acme', tenant: 'acme', name: 'Acme', budget: 'budget', period: 'day' },
        ...{ periodStart: '2026-11-21T00:00:00.000Z', periodEnd: '2026-11-22T00:00:00.000Z' },
        ...{ budgetUsd: '0.000001000', budgetNanoUsd: '1000', spentUsd: '0.000000000', spentNanoUsd: '0' },
        previous: {
          ...{ periodStart: '2026-11-20T00:00:00.000Z', periodEnd: '2026-11-21T00:00:00.000Z' },
          ...{ spentUsd: '0.000000607', spentNanoUsd: '607' },
        },
      },
    });
    await spend(900);
    await look();
    expect(await events()).toEqual(['budget 50', 'day period', 'budget 50', 'budget 80']);
  });

  test('of a period in which nothing was spent the end is no news', async () => {
    await webhookOf({ nanoUsd: 1000, period: 'week' });
    await look();
    nowMs += 7 * DAY_MS;
    await look();
    expect(await events()).toEqual([]);
  });

  test('a larger budget arms what is ahead again', async () => {
    await webhookOf({ nanoUsd: 1000, period: 'month' });
    await spend(1000);
    await look();
    await tenant({ nanoUsd: 1250, period: 'month' });
    await look();
    expect(await events()).toHaveLength(3);
    await spend(250);
    await look();
    expect((await events()).slice(3)).toEqual(['budget 100']);
  });

  test('a call that is recorded hours after it began is seen within ten minutes', async () => {
    await webhookOf({ nanoUsd: 1000, period: 'day' });
    await look();
    await spend(500, { atMs: nowMs - 5 * 3_600_000 });
    await look();
    nowMs += 10 * 60_000;
    await look();
    expect(await events()).toEqual(['budget 50']);
  });

  test('a key’s budget counts its own calls, credits all that was ever paid and spent', async () => {
    await tenant();
    await webhook('whk_1');
    await database.sql(`
      INSERT INTO api_keys (id, tenant_id, name, kind, permissions, models, origins, ips, logging, budget, managed_by)
      VALUES ('key_2', 'acme', 'ci', 'service', '[]', '[]', '[]', '[]', '{}', '{"nanoUsd":100,"period":"total"}', 'api')`);
    const pay = (id: string, nanoUsd: number) =>
      database.sql(
        `INSERT INTO credit_entries (id, tenant_id, amount_nano_usd, kind, actor) VALUES ('${id}', 'acme', ${nanoUsd}, 'top_up', 'x')`,
      );
    await pay('crd_1', 1000);
    await spend(450, { atMs: nowMs - 40 * DAY_MS });
    await spend(60, { keyId: 'key_2' });
    await look();
    expect((await events()).sort()).toEqual(['budget 50', 'credits 50']);
    await pay('crd_2', 1000);
    await spend(540);
    await look();
    expect((await events()).sort()).toEqual(['budget 50', 'credits 50', 'credits 50']);
    const [row] = await database.sql(`SELECT body FROM webhook_events WHERE body LIKE '%"owner":"key"%'`);
    expect(JSON.parse(String(row!['body'])).data).toMatchObject({
      ...{ owner: 'key', id: 'key_2', tenant: 'acme', name: 'ci', period: 'total', periodStart: null, periodEnd: null },
      ...{ spentNanoUsd: '60', budgetNanoUsd: '100', thresholdPercent: 50 },
    });
  });

  test('webhooks are told of their own tenant; those of no tenant of all; what nobody wants is not stored', async () => {
    await tenant({ nanoUsd: 1000, period: 'total' });
    await database.sql(`INSERT INTO tenants (id, name, managed_by) VALUES ('other', 'Other', 'api')`);
    await webhook('whk_other', { of: 'other' });
    await spend(500);
    await look();
    expect(await events()).toEqual([]);
    await webhook('whk_all', { of: null });
    await webhook('whk_1');
    await spend(300);
    await look();
    expect((await deliveries()).map((row) => row['webhook_id']).sort()).toEqual(['whk_1', 'whk_all']);
  });

  test('a budget that is gone is forgotten', async () => {
    await tenant({ nanoUsd: 1000, period: 'day' });
    await look();
    await tenant();
    nowMs += 2 * 3_600_000;
    await look();
    expect(await database.sql('SELECT * FROM budget_watches')).toEqual([]);
  });

  async function webhookOf(budget: object): Promise<void> {
    await tenant(budget);
    await webhook('whk_1');
  }
});

describe('deliveries', () => {
  beforeEach(() => tenant({ nanoUsd: 1000, period: 'day' }));

  async function told(...ids: string[]): Promise<void> {
    for (const id of ids) await webhook(id);
    await spend(500);
    await look();
  }

  const deliver = (): Promise<unknown> => Promise.all(replicas.map((each) => each.deliver()));

  /** By the document's recipe alone. */
  function verified({ headers, body }: Receiver['received'][number]): boolean {
    const timestamp = String(headers['x-callmissed-webhook-timestamp']);
    const expected = createHmac('sha256', SECRET).update(`${timestamp}.${body}`).digest('hex');
    return headers['x-callmissed-webhook-signature'] === `v1=${expected}`;
  }

  test('a delivery is posted once by all replicas, signed, and noted', async () => {
    await told('whk_1');
    await deliver();
    await deliver();
    expect(receiver.received).toHaveLength(1);
    const [first] = receiver.received;
    expect(verified(first!)).toBe(true);
    expect(verified({ ...first!, body: first!.body.replace('500', '501') })).toBe(false);
    const { id, type, data } = JSON.parse(first!.body);
    expect({ type, percent: data.thresholdPercent }).toEqual({ type: 'budget.threshold_reached', percent: 50 });
    expect(first!.headers['x-callmissed-webhook-id']).toBe(id);
    expect(Number(first!.headers['x-callmissed-webhook-timestamp'])).toBe(Math.floor(nowMs / 1000));
    expect(await deliveries()).toMatchObject([
      { status: 'delivered', attempts: 1, last_status: 204, last_error: null, delivered_at: new Date(nowMs) },
    ]);
    const counted = await Promise.all(replicas.map(({ metrics }) => metrics.registry.metrics()));
    expect(counted.join()).toContain('switchboard_webhook_deliveries_total{result="delivered"} 1');
  });

  test('the brand names the headers', async () => {
    await database.sql(`INSERT INTO gateway_settings (id, settings) VALUES (1, '{"brand":{"slug":"relay"}}')`);
    await told('whk_1');
    await deliver();
    expect(Object.keys(receiver.received[0]!.headers)).toEqual(
      expect.arrayContaining(['x-relay-webhook-id', 'x-relay-webhook-timestamp', 'x-relay-webhook-signature']),
    );
  });

  test('what fails is tried again, the same to the letter, until it is taken', async () => {
    receiver.replies = [
      { status: 500, body: `oh\0 no ${'x'.repeat(5_000)}` },
      { status: 302, headers: { location: '/' } },
    ];
    await told('whk_1');
    await deliver();
    const [failed] = await deliveries();
    expect(failed).toMatchObject({ status: 'pending', attempts: 1, last_status: 500 });
    expect(failed!['last_error']).toMatch(/^oh\ufffd no x{193}$/);
    const next = (failed!['next_attempt_at'] as Date).getTime();
    expect(next - nowMs).toBeGreaterThanOrEqual(8_000);
    nowMs = next - 1;
    await deliver();
    expect(receiver.received).toHaveLength(1);
    nowMs = next;
    await deliver();
    // A redirect is not followed.
    expect(await deliveries()).toMatchObject([
      { status: 'pending', attempts: 2, last_status: 302, last_error: 'it answered 302' },
    ]);
    nowMs += 60_000;
    await deliver();
    expect(receiver.received.map(({ path, body }) => [path, body])).toEqual(
      Array.from({ length: 3 }, () => ['/hook', receiver.received[0]!.body]),
    );
    expect(receiver.received.every(verified)).toBe(true);
    expect(await deliveries()).toMatchObject([{ status: 'delivered', attempts: 3, last_error: null }]);
  });

  test('after the twelfth failure it is given up', async () => {
    receiver.reply = { status: 503 };
    await told('whk_1');
    for (let attempt = 1; attempt <= 13; attempt++) {
      await deliver();
      nowMs += 8 * 3_600_000;
    }
    expect(receiver.received).toHaveLength(12);
    expect(await deliveries()).toMatchObject([{ status: 'failed', attempts: 12, last_status: 503 }]);
  });

  test('a receiver that says it is gone is switched off, with what waited for it, and that is audited', async () => {
    receiver.reply = { status: 410 };
    await told('whk_1');
    await spend(500);
    await look();
    await deliver();
    expect(receiver.received.length).toBeLessThanOrEqual(3);
    expect(await database.sql('SELECT active, inactive_reason FROM webhooks')).toEqual([
      { active: false, inactive_reason: 'gone' },
    ]);
    expect((await deliveries()).map((row) => row['status'])).toEqual(['failed', 'failed', 'failed']);
    expect(await database.sql('SELECT actor, action, resource_id, tenant_id FROM audit_log')).toEqual([
      { actor: 'system', action: 'webhook.switch_off', resource_id: 'whk_1', tenant_id: 'acme' },
    ]);
  });

  test('a receiver that does not answer holds no other up; a stop leaves its attempt as if it had not been', async () => {
    const dead = await Receiver.start();
    dead.reply = 'silent';
    const stop = new AbortController();
    try {
      await webhook('whk_0', { url: dead.url });
      await told('whk_1');
      const round = replicas[0]!.deliver(stop.signal);
      const isServed = async () => (await deliveries()).some(({ status }) => status === 'delivered');
      await until(async () => dead.received.length === 1 && (await isServed()));
      stop.abort();
      await round;
      expect(await deliveries()).toMatchObject(
        expect.arrayContaining([
          expect.objectContaining({ webhook_id: 'whk_0', status: 'pending', attempts: 0 }),
          expect.objectContaining({ webhook_id: 'whk_1', status: 'delivered' }),
        ]),
      );
    } finally {
      await dead.stop();
    }
  });

  test('an attempt whose process died is made again when its lease is over', async () => {
    await told('whk_1');
    const taken = await new Deliveries(replicas[0]!.pool).take(nowMs, { all: 10, each: 2, busy: [] });
    expect(taken).toHaveLength(1);
    await deliver();
    expect(receiver.received).toHaveLength(0);
    nowMs += 60_000;
    await deliver();
    expect(receiver.received).toHaveLength(1);
  });

  test('private addresses are not connected to unless that is meant, whatever name leads there', async () => {
    const { port } = new URL(receiver.url);
    await webhook('whk_literal', { trusted: false });
    await webhook('whk_mapped', { trusted: false, url: `http://[::ffff:127.0.0.1]:${port}` });
    await webhook('whk_name', { trusted: false, url: `http://localhost:${port}` });
    await told();
    await deliver();
    expect(receiver.received).toEqual([]);
    const error = 'its address is in a private network';
    expect((await deliveries()).map((row) => [row['status'], row['last_error']])).toEqual(
      Array.from({ length: 3 }, () => ['pending', error]),
    );
  });

  test('a secret that was sealed for another webhook signs nothing', async () => {
    await webhook('whk_1', { sealedFor: 'whk_2' });
    await told();
    await deliver();
    expect(receiver.received).toEqual([]);
    expect((await deliveries())[0]!['last_error']).toContain('cannot be opened');
  });

  test('neither the secret nor the query of the URL is ever logged or stored in the open', async () => {
    receiver.replies = [{ status: 500 }];
    await webhook('whk_1', { query: '?token=zq7-token' });
    await told();
    await deliver();
    nowMs += 60_000;
    await deliver();
    expect(receiver.received.map(({ path }) => path)).toEqual(['/hook?token=zq7-token', '/hook?token=zq7-token']);
    const tables = ['webhooks', 'webhook_events', 'webhook_deliveries', 'audit_log'];
    const rows = await Promise.all(tables.map((table) => database.sql(`SELECT * FROM ${table}`)));
    expect(logged.join() + JSON.stringify(rows)).not.toContain('zq7');
  });

  test('after thirty days events are forgotten with their deliveries', async () => {
    await told('whk_1');
    await deliver();
    nowMs += 31 * DAY_MS;
    await deliver();
    expect([await events(), await deliveries()]).toEqual([[], []]);
  });
});
