import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startGateway } from '../gateway';
import { DASHBOARDS } from '../observability/dashboards/all';
import { exposedMetrics, readTable, rowsOf, type TableRow, withTable } from '../observability/metrics-table';
import { startWatchedWorld, targetsOf, type WatchedWorld } from '../observability/watched-world';
import { send } from './http-exchange';

jest.setTimeout(300_000);

const DOCS = path.resolve(__dirname, '../../../../docs/observability.md');
/** For all panels together: what is slowest is metering's look at the dearest tenants, and at the last reconciliation. */
const GIVE_UP_MS = 50_000;

/** What Grafana puts in their place, where nothing is chosen. */
const CHOSEN: readonly [RegExp, string][] = [
  [/\$(namespace|job|instance)\b/g, '.*'],
  [/\$__rate_interval\b/g, '15s'],
];

let world: WatchedWorld;
let givesUpAtMs: number;

beforeAll(async () => {
  world = await startWatchedWorld();
  givesUpAtMs = performance.now() + GIVE_UP_MS;
});

afterAll(() => world?.stop());

const panels = DASHBOARDS.flatMap(({ name, panels: each }) =>
  each.map((panel) => [`${name}: ${panel.title}`, panel.queries.map(({ expr }) => expr)] as const),
);

/** One after the other: each waits until Prometheus has scraped what it is about. */
test.each(panels)('%s shows something', async (_, queries) => {
  for (const expr of queries) await untilThereIsData(expr);
});

test('the table of metrics in the docs says what every service exposes', async () => {
  const exposed = new Map<string, ReturnType<typeof exposedMetrics>>();
  for (const { job, address } of targetsOf(world.stack)) exposed.set(job, await scraped(`http://${address}`));
  const standalone = await startGateway({});
  exposed.set('standalone', await scraped(standalone.adminUrl));
  await standalone.stop();
  const told = readFileSync(DOCS, 'utf8');
  const rows = withRareLabels(rowsOf(exposed), readTable(told));
  if (process.env['UPDATE_METRICS'] === '1') writeFileSync(DOCS, withTable(told, rows));
  expect(readTable(readFileSync(DOCS, 'utf8'))).toEqual(rows);
});

async function untilThereIsData(expr: string): Promise<void> {
  const query = CHOSEN.reduce((text, [variable, value]) => text.replaceAll(variable, value), expr);
  for (;;) {
    const samples = await world.prometheus.query(query);
    if (samples.some(({ value }) => Number.isFinite(value))) return;
    if (performance.now() > givesUpAtMs) throw new Error(`no data: ${query}\n${JSON.stringify(samples)}`);
    await delay(500);
  }
}

async function scraped(adminUrl: string): Promise<ReturnType<typeof exposedMetrics>> {
  return exposedMetrics((await send(adminUrl, { path: '/metrics' })).text);
}

/** A counter with labels shows them once it counted: those that never did here are as the docs have them. */
function withRareLabels(rows: readonly TableRow[], told: readonly TableRow[]): TableRow[] {
  return rows.map((row) => {
    const known = told.find(({ name }) => name === row.name)?.labels ?? [];
    return { ...row, labels: [...new Set([...row.labels, ...known])].sort() };
  });
}
