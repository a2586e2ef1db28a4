import { cpSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createPool, type Logger, migrate, type Pool } from '@switchboard/platform';

const PRISMA = path.resolve(__dirname, '../../../../prisma');
const BATCH = 20;
const PAUSE_MS = 100;

interface Release {
  lastMigration: string;
  statements: { name?: string; text: string }[];
}

/** What `npm run release:mark` wrote of it. */
function previousRelease(): Release {
  return JSON.parse(readFileSync(path.join(PRISMA, 'previous-release.json'), 'utf8')) as Release;
}

/** Migrations that this release has and the previous one had not. */
export function newerMigrations(): string[] {
  const { lastMigration } = previousRelease();
  return migrations().filter((name) => name > lastMigration);
}

/** What the previous release did to a database when it started. @returns what it had to apply. */
export async function migrateAsPreviousRelease(url: string, folder: string, log: Logger): Promise<string[]> {
  const older = path.join(folder, 'previous-migrations');
  const newer = new Set(newerMigrations());
  for (const name of migrations().filter((each) => !newer.has(each))) {
    cpSync(path.join(PRISMA, 'migrations', name), path.join(older, name), { recursive: true });
  }
  return migrate({ url, log, folder: older });
}

function migrations(): string[] {
  return readdirSync(path.join(PRISMA, 'migrations'))
    .filter((name) => /^\d/.test(name))
    .sort();
}

/** A value for every column that a statement of the previous release sets, of calls that its edges told of. */
const CALL: Record<string, unknown> = {
  ...{
    tenant_id: 'acme',
    key_id: 'key_acme_plain',
    requested_model: 'quick/chat',
    model: 'quick/chat',
    upstream: 'chat',
  },
  ...{ client_dialect: 'openai-chat', upstream_dialect: 'openai-chat', stream: false, input_tokens: 10 },
  ...{
    cache_read_tokens: 0,
    cache_write_5m_tokens: 0,
    cache_write_1h_tokens: 0,
    output_tokens: 20,
    reasoning_tokens: 0,
  },
  ...{ cost_nano_usd: 330_000, accuracy: 'exact', first_token_ms: 5, latency_ms: 9, attempts: 1, finish: 'end_turn' },
  ...{ status: 200, losses: '[]', end_user: null, client_metadata: null, client_request_id: null, price_version: 'v1' },
};

/**
 * Metering of the previous release, as the database sees it: batch after batch, by its own statement, until stopped. A batch
 * that fails is told of and sent again, as it is from the stream.
 */
export class OlderMetering {
  readonly requestIds: string[] = [];
  /** What the database said when a batch could not be stored at once. */
  readonly faults: string[] = [];
  private readonly pool: Pool;
  private readonly insert: { text: string; columns: string[] };
  private running: Promise<void> | undefined;
  private stopped = false;

  constructor(
    url: string,
    private readonly name: string,
    log: Logger,
  ) {
    this.pool = createPool({ url, log, connectionsMax: 1 });
    this.insert = insertUsage();
  }

  start(): void {
    this.running = (async () => {
      while (!this.stopped) {
        await this.store(BATCH);
        await delay(PAUSE_MS);
      }
    })();
  }

  /** Rejects where a batch could not be stored at all. */
  async stop(): Promise<void> {
    this.stopped = true;
    await this.running;
    await this.pool.end();
  }

  /** So many calls in one transaction. */
  async store(count: number): Promise<void> {
    const startedAt = new Date();
    const first = this.requestIds.length;
    const ids = Array.from({ length: count }, (_, index) => requestId(startedAt, this.name, first + index));
    const values = this.insert.columns.map((column) => ids.map((id) => cell(column, { id, startedAt })));
    for (let attempt = 1; ; attempt++) {
      try {
        await this.pool.query(this.insert.text, values);
        this.requestIds.push(...ids);
        return;
      } catch (error) {
        this.faults.push((error as Error).message);
        if (attempt === 3) throw error;
      }
    }
  }
}

/** The statement, and the columns that its parameters are arrays of, in their order. */
function insertUsage(): { text: string; columns: string[] } {
  const text = previousRelease().statements.find(({ name }) => name === 'insert-usage')?.text ?? '';
  const columns = /INSERT INTO usage \(([^)]*), ledger_transaction_id\)/.exec(text)?.[1]?.split(', ');
  if (columns === undefined) throw new Error('the previous release has no statement that stores usage');
  return { text, columns };
}

function cell(column: string, call: { id: string; startedAt: Date }): unknown {
  if (column === 'request_id') return call.id;
  if (column === 'started_at') return call.startedAt.toISOString();
  if (!(column in CALL)) throw new Error(`no value for the column ${column} of usage`);
  return CALL[column];
}

/** As edges make them: the time in milliseconds first, in hexadecimal. */
function requestId(at: Date, writer: string, index: number): string {
  const rest = Buffer.from(writer).toString('hex') + index.toString(16).padStart(8, '0');
  return `req_${at.getTime().toString(16).padStart(12, '0')}${rest.padStart(20, '7')}`;
}
