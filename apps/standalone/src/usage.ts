import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { recordView, totalView, type UsageRecordView, type UsageTotalView } from '@switchboard/contracts';
import { createMetering } from '@switchboard/metering';
import {
  createLogger,
  createMetrics,
  lockDataDir,
  type Logger,
  migrate,
  openDatabase,
  processStart,
} from '@switchboard/platform';
import { z } from 'zod';
import { readSettings, type Settings } from './settings';

const GROUPINGS = ['tenant', 'key', 'model', 'upstream', 'hour', 'day'] as const;
type Grouping = (typeof GROUPINGS)[number];

interface Question {
  limit: number;
  groupBy: Grouping;
}

interface UsageReport {
  records: UsageRecordView[];
  totals: UsageTotalView[];
}

/** What a running gateway leaves in its data folder. */
const runningGateway = z.object({ pid: z.number().int(), adminUrl: z.url(), adminToken: z.string() });
type RunningGateway = z.infer<typeof runningGateway>;

/** Prints the latest usage records and totals: asks a running gateway, else opens its database. */
async function main(): Promise<void> {
  const question = readQuestion();
  const settings = readSettings(process.env, process.cwd());
  if (!settings.ok) throw new Error(`The environment has faults:\n${settings.faults.join('\n')}`);
  const gateway = await findGateway(settings.settings.DATA_DIR);
  const answer = gateway === undefined ? undefined : await askGateway(gateway, question);
  // A gateway that is alive and yet did not answer still holds the folder, and is named by the error of its lock.
  const report = answer ?? (await askDatabase(settings.settings, question));
  process.stdout.write(render(report, question));
}

function readQuestion(): Question {
  const { values } = parseArgs({ options: { limit: { type: 'string' }, by: { type: 'string' } } });
  const limit = Number(values.limit ?? '20');
  const groupBy = GROUPINGS.find((grouping) => grouping === (values.by ?? 'model'));
  if (groupBy !== undefined && Number.isInteger(limit) && limit >= 1 && limit <= 1000) return { limit, groupBy };
  throw new Error(`Usage: npm run usage -- [--limit 1…1000] [--by ${GROUPINGS.join('|')}]`);
}

async function findGateway(dataDir: string): Promise<RunningGateway | undefined> {
  const file = path.join(dataDir, 'standalone.json');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const gateway = runningGateway.parse(JSON.parse(text));
  // One that was killed could not remove it.
  return (await processStart(gateway.pid)) === undefined ? undefined : gateway;
}

/** Undefined when nothing answers at its address. */
async function askGateway(gateway: RunningGateway, { limit, groupBy }: Question): Promise<UsageReport | undefined> {
  const replies = await Promise.all([
    get(gateway, `limit=${limit}`),
    get(gateway, `groupBy=${groupBy}&limit=1000`),
  ]).catch((error: unknown) => {
    // How fetch reports that it could not connect, or lost the connection.
    if (error instanceof TypeError) return undefined;
    throw error;
  });
  if (replies === undefined) return undefined;
  const [records, totals] = replies as [{ data: UsageRecordView[] }, { data: UsageTotalView[] }];
  return { records: records.data, totals: totals.data };
}

async function get({ adminUrl, adminToken }: RunningGateway, query: string): Promise<unknown> {
  const url = new URL(`/api/v1/usage?${query}`, adminUrl);
  const reply = await fetch(url, { headers: { authorization: `Bearer ${adminToken}` } });
  if (!reply.ok) throw new Error(`The gateway answered ${reply.status}: ${await reply.text()}`);
  return reply.json();
}

async function askDatabase(settings: Settings, { limit, groupBy }: Question): Promise<UsageReport> {
  const logger: Logger = createLogger({ level: 'error', name: 'usage' }, process.stderr);
  const lock = await lockDataDir(settings.DATA_DIR);
  try {
    const database = await openDatabase({
      dataDir: settings.DATA_DIR,
      databaseUrl: settings.DATABASE_URL,
      log: logger,
    });
    try {
      await migrate({ url: database.url, log: logger });
      const metering = createMetering({ databaseUrl: database.url, logger, metrics: createMetrics() });
      try {
        const { records } = await metering.queries.list({}, { limit });
        const { totals } = await metering.queries.totals({}, groupBy, 1000);
        return { records: records.map(recordView), totals: totals.map(totalView) };
      } finally {
        await metering.close();
      }
    } finally {
      await database.stop();
    }
  } finally {
    await lock.release();
  }
}

function render({ records, totals }: UsageReport, { groupBy }: Question): string {
  if (records.length === 0) return 'No calls have been recorded yet.\n';
  const calls = records.map((record) => ({
    time: record.startedAt,
    tenant: record.tenant,
    key: record.key,
    model: record.model,
    upstream: record.upstream,
    input: inputOf(record),
    output: record.outputTokens,
    usd: `${record.costUsd}${record.accuracy === 'exact' ? '' : ` (${record.accuracy})`}`,
    ms: record.latencyMs,
    finish: record.finish,
    request: record.requestId,
  }));
  const sums = totals.map((total) => ({
    [groupBy]: total.group,
    requests: total.requests,
    input: inputOf(total),
    output: total.outputTokens,
    usd: total.costUsd,
  }));
  return `The latest ${calls.length} calls\n${table(calls)}\nTotals by ${groupBy}\n${table(sums)}`;
}

/** With what was read from and written to a cache. */
function inputOf(tokens: UsageRecordView | UsageTotalView): number {
  return tokens.inputTokens + tokens.cacheReadTokens + tokens.cacheWrite5mTokens + tokens.cacheWrite1hTokens;
}

/** Columns as wide as their widest cell; numbers to the right. */
function table(rows: Record<string, string | number>[]): string {
  const names = Object.keys(rows[0] ?? {});
  const widths = names.map((name) => Math.max(name.length, ...rows.map((row) => printable(row[name]).length)));
  const line = (cells: (string | number | undefined)[]): string =>
    cells
      .map((cell, index) => {
        const width = widths[index] ?? 0;
        return typeof cell === 'number' ? printable(cell).padStart(width) : printable(cell).padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return `${[line(names), ...rows.map((row) => line(names.map((name) => row[name])))].join('\n')}\n`;
}

/** A client chooses some of these texts: none may move the terminal's cursor. */
function printable(cell: string | number | undefined): string {
  return String(cell ?? '').replace(/\p{Cc}/gu, '?');
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
