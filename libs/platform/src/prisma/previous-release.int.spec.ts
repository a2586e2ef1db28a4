import { chmod, cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { createLogger } from '../logging/logger';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../postgres/embedded';
import { migrate } from './migrate';

/**
 * What the author of a migration owes the previous release, as far as a database can tell: it goes on running on the new
 * schema, while services are replaced one by one and after a step back. CONTRIBUTING has the rules in words.
 */

jest.setTimeout(60_000);

const PRISMA = path.join(__dirname, '../../../../prisma');
/** Tables that grow with traffic: what holds their lock for as long as it takes to read them stops it. */
const LARGE = /^(usage|call_log|ledger|stored_response)/;

interface PreviousRelease {
  lastMigration: string;
  /** `table.column`, `table` or `function(arguments)` that it has and does not use any more: these may go. */
  unused: string[];
  statements: { name?: string; text: string }[];
}

/** Columns, and what else the statements of a release may name or rely on, of tables by name. */
interface Schema {
  columns: Map<string, { type: string; nullable: boolean; hasDefault: boolean; table: string }>;
  /** The file a table is in: another one, and every row of it was written anew under a lock. */
  files: Map<string, string>;
  indexes: Map<string, { table: string }>;
  /** `table.name` of checks, uniqueness, foreign keys: the columns they are about. */
  constraints: Map<string, { table: string; columns: string[] }>;
  functions: Set<string>;
}

const log = createLogger({ level: 'silent', name: 'test' });

let folder: string;
let database: EmbeddedPostgres;
let client: Client;
let previous: PreviousRelease;
let newer: string[];
let before: Schema;
let after: Schema;

beforeAll(async () => {
  previous = JSON.parse(await readFile(path.join(PRISMA, 'previous-release.json'), 'utf8')) as PreviousRelease;
  folder = await mkdtemp(path.join(tmpdir(), 'switchboard-previous-'));
  await chmod(folder, 0o711);
  database = await startEmbeddedPostgres({ dataDir: folder, log });
  const older = path.join(folder, 'migrations');
  await cp(path.join(PRISMA, 'migrations'), older, { recursive: true });
  const names = (await readdir(older)).filter((name) => /^\d/.test(name)).sort();
  expect(names).toContain(previous.lastMigration);
  newer = names.filter((name) => name > previous.lastMigration);
  for (const name of newer) await rm(path.join(older, name), { recursive: true });
  await migrate({ url: database.url, log, folder: older });
  client = new Client({ connectionString: database.url });
  await client.connect();
  before = await schemaOf();
  expect(await migrate({ url: database.url, log })).toEqual(newer);
  after = await schemaOf();
});

afterAll(async () => {
  await client?.end();
  await database?.stop();
  await rm(folder, { recursive: true, force: true });
});

const isUnused = (...names: string[]): boolean => names.some((name) => previous.unused.includes(name));

async function rows<Row extends object>(text: string): Promise<Row[]> {
  return (await client.query<Row>(text)).rows;
}

async function schemaOf(): Promise<Schema> {
  const columns = await rows<{ table: string; column: string; type: string; nullable: boolean; filled: boolean }>(`
    SELECT relname AS table, attname AS column, format_type(atttypid, atttypmod) AS type, NOT attnotnull AS nullable,
           atthasdef OR attidentity <> '' AS filled
      FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
     WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v') AND attnum > 0 AND NOT attisdropped`);
  const tables = await rows<{ table: string; file: string }>(`
    SELECT relname AS table, pg_relation_filenode(oid)::text AS file
      FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'`);
  const indexes = await rows<{ name: string; table: string }>(
    `SELECT indexname AS name, tablename AS table FROM pg_indexes WHERE schemaname = 'public'`,
  );
  const constraints = await rows<{ name: string; table: string; columns: string[] }>(`
    SELECT relname || '.' || conname AS name, relname AS table,
           ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY (conkey)) AS columns
      FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
     WHERE relnamespace = 'public'::regnamespace AND contype IN ('c', 'f', 'u', 'p', 'x')`);
  const functions = await rows<{ name: string }>(`
    SELECT proname || '(' || pg_get_function_identity_arguments(oid) || ')' AS name
      FROM pg_proc WHERE pronamespace = 'public'::regnamespace`);
  return {
    columns: new Map(
      columns.map(({ table, column, type, nullable, filled }) => [
        `${table}.${column}`,
        { table, type, nullable, hasDefault: filled },
      ]),
    ),
    files: new Map(tables.map(({ table, file }) => [table, file])),
    indexes: new Map(indexes.map(({ name, table }) => [name, { table }])),
    constraints: new Map(constraints.map(({ name, ...rest }) => [name, rest])),
    functions: new Set(functions.map(({ name }) => name)),
  };
}

const tablesOf = ({ columns }: Schema): Set<string> => new Set([...columns.values()].map(({ table }) => table));

test('every table, view and column of it is there, of the same type, and takes what it took', () => {
  const faults = [...before.columns].flatMap(([name, was]) => {
    if (isUnused(name, was.table)) return [];
    const is = after.columns.get(name);
    if (is === undefined) return [`${name} is gone`];
    if (is.type !== was.type) return [`${name} was ${was.type} and is ${is.type}`];
    return was.nullable && !is.nullable ? [`${name} may not be null any more`] : [];
  });
  expect(faults).toEqual([]);
});

test('its inserts need not know of a new column', () => {
  const known = tablesOf(before);
  const faults = [...after.columns].filter(
    ([name, { table, nullable, hasDefault }]) =>
      known.has(table) && !before.columns.has(name) && !nullable && !hasDefault,
  );
  expect(faults.map(([name]) => `${name} is NOT NULL without a default`)).toEqual([]);
});

test('no constraint is new on what it writes, and none that its ON CONFLICT names is gone', () => {
  const known = tablesOf(before);
  const added = [...after.constraints].filter(
    ([name, { table, columns }]) =>
      known.has(table) &&
      !before.constraints.has(name) &&
      columns.some((column) => before.columns.has(`${table}.${column}`)),
  );
  expect(added.map(([name]) => name)).toEqual([]);
  const unique = [...before.indexes].filter(
    ([name, { table }]) => !after.indexes.has(name) && !isUnused(table, `${table}.${name}`),
  );
  expect(unique.map(([name]) => `index ${name} is gone`)).toEqual([]);
});

test('every function that it may call is there', () => {
  const gone = [...before.functions].filter((name) => !after.functions.has(name) && !isUnused(name));
  expect(gone).toEqual([]);
});

test('no table that it writes is rewritten, and none that grows with traffic is indexed, under its lock', () => {
  const rewritten = [...before.files].filter(([name, file]) => after.files.has(name) && after.files.get(name) !== file);
  expect(rewritten.map(([name]) => name)).toEqual([]);
  const known = tablesOf(before);
  const indexed = [...after.indexes].filter(
    ([name, { table }]) => !before.indexes.has(name) && known.has(table) && LARGE.test(table),
  );
  expect(indexed.map(([name, { table }]) => `${name} on ${table}`)).toEqual([]);
});

test('how long a migration waits for a table is left to whoever runs it', async () => {
  const texts = await Promise.all(
    newer.map((name) => readFile(path.join(PRISMA, 'migrations', name, 'migration.sql'), 'utf8')),
  );
  for (const text of texts) expect(text).not.toMatch(/lock_timeout|^\s*(begin|commit)\s*;/im);
});

test('the database understands every statement that it sends', async () => {
  expect(previous.statements.length).toBeGreaterThan(50);
  const faults: string[] = [];
  for (const { text } of previous.statements) {
    await client.query(`PREPARE known AS ${text}`).then(
      () => client.query('DEALLOCATE known'),
      (error: Error) => faults.push(`${error.message}: ${text.trim().slice(0, 200)}`),
    );
  }
  expect(faults).toEqual([]);
});

test('it starts on the new schema: what it does not know of is no fault', async () => {
  expect(await migrate({ url: database.url, log, folder: path.join(folder, 'migrations') })).toEqual([]);
});
