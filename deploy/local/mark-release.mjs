/**
 * `npm run release:mark [-- --until <migration>]`, when a release is cut: writes prisma/previous-release.json, by which the
 * next one proves that the two can run on one database. It holds the release's last migration and the statements its services
 * send, recorded while end-to-end tests run. `--until`: the release had no migration from this one on; what does not run without
 * is left out.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync, chmodSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { setup } from './setup.mjs';
import { build, command, environment, root, runNode } from './workspace.mjs';

const migrations = path.join(root, 'prisma', 'migrations');
const marker = path.join(root, 'prisma', 'previous-release.json');
/** Between them they ask of the admin API and of metering what there is to ask. */
const suites = ['standalone-admin.e2e', 'bills.e2e', 'stack-budgets.e2e', 'stack-reconcile.e2e'];

async function record(folder) {
  const recorder = path.join(root, 'deploy', 'local', 'record-statements.cjs');
  const env = { ...environment, STATEMENTS_FOLDER: folder, NODE_OPTIONS: `--require ${recorder}` };
  const { code } = await runNode(command('jest/bin/jest.js'), ['--maxWorkers=2', ...suites], { env });
  if (code !== 0) throw new Error('The recording failed: its tests did.');
  const lines = readdirSync(folder).flatMap((name) => readFileSync(path.join(folder, name), 'utf8').trim().split('\n'));
  const statements = new Map();
  for (const { name, text } of lines.filter((line) => line !== '').map((line) => JSON.parse(line))) {
    // Lists of parameters are as long as what was asked for; one length stands for all.
    const form = text.replaceAll(/\$\d+(?:,\$\d+)+/g, '$…').replaceAll(/\(\$…\)(?:,\(\$…\))+/g, '($…)');
    const isOfMonth = /_\d{4}_\d{2}\b/.test(text);
    if (/^\s*(?:select|insert|update|delete|with)\b/i.test(text) && !isOfMonth && !statements.has(form)) {
      statements.set(form, { ...(name && { name }), text });
    }
  }
  return [...statements.values()].sort((one, other) => (one.text < other.text ? -1 : 1));
}

/** Those that the schema of the release understands. */
async function understood(statements, names, folder) {
  const { createLogger, createPool, migrate, startEmbeddedPostgres } = createRequire(import.meta.url)(
    path.join(root, 'libs/platform/dist/index.js'),
  );
  const log = createLogger({ level: 'silent', name: 'mark-release' });
  const older = path.join(folder, 'migrations');
  for (const name of names) cpSync(path.join(migrations, name), path.join(older, name), { recursive: true });
  const database = await startEmbeddedPostgres({ dataDir: folder, log });
  const pool = createPool({ url: database.url, log, connectionsMax: 1 });
  try {
    await migrate({ url: database.url, log, folder: older });
    const kept = [];
    for (const statement of statements) {
      const fault = await pool.query(`PREPARE known AS ${statement.text}`).then(
        () => pool.query('DEALLOCATE known').then(() => undefined),
        (error) => error,
      );
      if (fault === undefined) kept.push(statement);
      else process.stderr.write(`left out (${fault.message}): ${statement.text.trim().slice(0, 120)}\n`);
    }
    return kept;
  } finally {
    await pool.end();
    await database.stop();
  }
}

async function main() {
  const { until } = parseArgs({ options: { until: { type: 'string' } } }).values;
  const names = readdirSync(migrations).filter((name) => /^\d/.test(name) && (until === undefined || name < until));
  await setup();
  if ((await build()).code !== 0) throw new Error('The build failed; the compiler’s words are above.');
  const folder = mkdtempSync(path.join(os.tmpdir(), 'switchboard-release-'));
  chmodSync(folder, 0o711);
  try {
    const recorded = mkdtempSync(path.join(folder, 'recorded-'));
    const statements = await understood(await record(recorded), names, folder);
    const release = { lastMigration: names.sort().at(-1), unused: [], statements };
    writeFileSync(marker, `${JSON.stringify(release, undefined, 2)}\n`);
    process.stdout.write(`${release.lastMigration}, ${statements.length} statements: ${path.relative(root, marker)}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
