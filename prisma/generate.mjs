// Generates the database client from schema.prisma, offline, when its inputs changed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const require = createRequire(path.join(here, '../libs/platform/package.json'));
const prismaManifest = require.resolve('prisma/package.json');
const output = path.join(here, '../libs/platform/src/prisma/generated');
const stamp = path.join(output, '.inputs.sha256');

const inputs = [fileURLToPath(import.meta.url), path.join(here, 'schema.prisma'), path.join(here, 'prisma.config.ts')];
const hash = createHash('sha256').update(require(prismaManifest).version);
for (const input of inputs) hash.update(readFileSync(input));
const wanted = hash.digest('hex');

if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) process.exit(0);

const cli = path.join(path.dirname(prismaManifest), require(prismaManifest).bin.prisma);
const result = spawnSync(process.execPath, [cli, 'generate', '--config', path.join(here, 'prisma.config.ts')], {
  cwd: path.join(here, '..'),
  encoding: 'utf8',
  env: {
    ...process.env,
    // `generate` never runs the schema engine, but insists on downloading one unless it is given a file that exists.
    PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
    CHECKPOINT_DISABLE: '1',
    PRISMA_HIDE_UPDATE_MESSAGE: '1',
  },
});
if (result.status !== 0) {
  console.error(result.stdout, result.stderr, result.error ?? '');
  process.exit(1);
}
writeFileSync(stamp, wanted);
console.log('generated the database client');
