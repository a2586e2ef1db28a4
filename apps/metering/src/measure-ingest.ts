/**
 * Measures the ingest path of one metering process beside a bare insert of the same rows, in alternating rounds on one
 * database of its own. For bench/src/ingest-main.ts, which may import none of this: `measure-ingest.js ROUNDS BATCHES`
 * writes one line of JSON per round, IngestRound.
 */
import 'reflect-metadata';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { NestFactory } from '@nestjs/core';
import type { Bus, StreamMessage, UsageRecordedV1 } from '@switchboard/contracts';
import { MeteringConsumerModule } from '@switchboard/metering';
import {
  createLocalBus,
  createLogger,
  createMetrics,
  createPool,
  type Logger,
  migrate,
  type Pool,
  startEmbeddedPostgres,
} from '@switchboard/platform';

/** As the consumer takes them from the stream when it has work to catch up with: 100 messages of 200 records. */
const MESSAGES = 100;
const RECORDS = 200;

interface IngestRound {
  records: number;
  /** The consumer's whole handling of the round's batches: reading the messages, rows, ledger and rollups, commit. */
  ingestMs: number;
  /** The same rows, as arrays made before, into a copy of the table with its indexes and without its triggers. */
  indexedMs: number;
  /** Into a copy with neither. */
  bareMs: number;
}

type Handler = (messages: StreamMessage[]) => Promise<void>;

async function main(): Promise<void> {
  const [rounds = 5, batches = 3] = process.argv.slice(2).map(Number);
  const log = createLogger({ level: 'error', name: 'measure-ingest' }, process.stderr);
  const folder = await mkdtemp(path.join(tmpdir(), 'switchboard-ingest-'));
  // Postgres runs as a user of its own where we are root.
  await chmod(folder, 0o711);
  try {
    const postgres = await startEmbeddedPostgres({ dataDir: folder, log });
    try {
      await migrate({ url: postgres.url, log });
      await measure({ url: postgres.url, log, rounds, batches });
    } finally {
      await postgres.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(options: { url: string; log: Logger; rounds: number; batches: number }): Promise<void> {
  const { url, log, rounds, batches } = options;
  const { bus, handler } = handlerKeepingBus(log);
  const module = MeteringConsumerModule.forRoot({ bus, databaseUrl: url, log, metrics: createMetrics() });
  const app = await NestFactory.createApplicationContext(module, { logger: false });
  const pool = createPool({ url, log, connectionsMax: 1 });
  try {
    const handle = await handler;
    await pool.query(`CREATE TABLE indexed (LIKE usage INCLUDING DEFAULTS INCLUDING INDEXES)`);
    await pool.query(`CREATE TABLE bare (LIKE usage INCLUDING DEFAULTS)`);
    // The first round warms both sides up and is not told.
    for (let round = 0; round <= rounds; round++) {
      const told = await measureRound({ pool, handle, round, batches });
      if (round > 0) process.stdout.write(`${JSON.stringify(told)}\n`);
    }
  } finally {
    await app.close();
    await pool.end();
  }
}

async function measureRound(options: {
  pool: Pool;
  handle: Handler;
  round: number;
  batches: number;
}): Promise<IngestRound> {
  const { pool, handle, round, batches } = options;
  const indices = Array.from({ length: batches }, (_, index) => round * batches + index);
  const deliveries = indices.map(messagesOf);
  // The tables are as long as one another, and nothing is left to clean up from the round before.
  await pool.query('VACUUM ANALYZE usage, indexed, bare, usage_rollups, ledger_entries, ledger_transactions');
  const ingestMs = await timed(pool, async () => {
    for (const messages of deliveries) await handle(messages);
  });
  const columns = await columnsOf(pool);
  const values: string[][] = [];
  for (const index of indices) values.push(await arraysOf(pool, columns, index));
  const into = (table: string): Promise<number> =>
    timed(pool, async () => {
      for (const arrays of values) await pool.query({ name: table, text: insertInto(table, columns), values: arrays });
    });
  const tables = round % 2 === 0 ? ['indexed', 'bare'] : ['bare', 'indexed'];
  const tookMs: Record<string, number> = {};
  for (const table of tables) tookMs[table] = await into(table);
  const { indexed: indexedMs = NaN, bare: bareMs = NaN } = tookMs;
  return { records: batches * MESSAGES * RECORDS, ingestMs, indexedMs, bareMs };
}

/** A bus that hands nothing out: whoever has the handler delivers. */
function handlerKeepingBus(log: Logger): { bus: Bus; handler: Promise<Handler> } {
  const own: Partial<Bus> = {};
  const handler = new Promise<Handler>((resolve) => {
    own.consume = (_stream, _durable, _batch, given) => {
      resolve(given);
      return { stop: () => Promise.resolve() };
    };
  });
  return { bus: Object.setPrototypeOf(own, createLocalBus({ log })) as Bus, handler };
}

/** After a checkpoint, so that nobody pays for what another side left to be written. */
async function timed(pool: Pool, work: () => Promise<void>): Promise<number> {
  await pool.query('CHECKPOINT');
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

interface Column {
  name: string;
  type: string;
}

async function columnsOf(pool: Pool): Promise<Column[]> {
  const { rows } = await pool.query<Column>(
    `SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
      WHERE attrelid = 'usage'::regclass AND attnum > 0 AND NOT attisdropped AND attname <> 'id' ORDER BY attnum`,
  );
  return rows;
}

/** The rows that a batch has become, an array per column, in their order. */
async function arraysOf(pool: Pool, columns: readonly Column[], batch: number): Promise<string[]> {
  const arrays = columns.map(({ name }) => `array_agg(${name} ORDER BY id)::text AS ${name}`).join(', ');
  const { rows } = await pool.query<Record<string, string>>(
    `SELECT ${arrays} FROM usage WHERE request_id >= $1 AND request_id < $2`,
    [idAt(beginMs(batch)), idAt(beginMs(batch + 1))],
  );
  return columns.map(({ name }) => rows[0]?.[name] ?? '{}');
}

function insertInto(table: string, columns: readonly Column[]): string {
  const names = columns.map(({ name }) => name).join(', ');
  const arrays = columns.map(({ type }, index) => `$${index + 1}::${type}[]`).join(', ');
  return `INSERT INTO ${table} (${names}) SELECT * FROM unnest(${arrays})`;
}

/** Of this month, which has its partition; a minute for a batch. */
const now = new Date();
const beginMs = (batch: number): number => Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1, 12, batch);

/** A UUIDv7 in hexadecimal after `req_`, or how those of this time begin. */
const idAt = (atMs: number, rest = ''): string => `req_${atMs.toString(16).padStart(12, '0')}${rest}`;

function messagesOf(batch: number): StreamMessage[] {
  return Array.from({ length: MESSAGES }, (_, message) => {
    const events = Array.from({ length: RECORDS }, (_each, index) => recordOf(batch, message * RECORDS + index));
    return {
      payload: Buffer.from(JSON.stringify({ events })),
      sequence: batch * MESSAGES + message + 1,
      deliveries: 1,
    };
  });
}

/** 100 tenants with 3 keys each, 8 models, 3 upstreams; a batch within one hour, mostly. */
function recordOf(batch: number, index: number): UsageRecordedV1 {
  const tenant = index % 100;
  return {
    requestId: idAt(beginMs(batch) + index, `7${index.toString(16).padStart(19, '0')}`),
    tenantId: `tenant_${tenant}`,
    keyId: `key_${tenant}_${index % 3}`,
    requestedModel: 'claude-sonnet-4-6',
    model: `anthropic/model-${index % 8}`,
    upstream: `upstream-${index % 3}`,
    clientDialect: 'anthropic-messages',
    upstreamDialect: 'anthropic-messages',
    stream: true,
    usage: {
      inputTokens: 1_000 + index,
      cacheReadTokens: index % 700,
      cacheWrite5mTokens: index % 90,
      cacheWrite1hTokens: 0,
      outputTokens: 300 + (index % 500),
      reasoningTokens: index % 40,
    },
    costNanoUsd: 7_000_000 + index,
    accuracy: index % 50 === 0 ? 'estimated' : 'exact',
    startedAtMs: beginMs(batch) + index,
    firstTokenMs: 400,
    latencyMs: 2_000,
    attempts: 1,
    finish: 'end_turn',
    status: 200,
    losses: [],
    endUser: `user_${index % 1_000}`,
    clientRequestId: `client_${index}`,
  };
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
