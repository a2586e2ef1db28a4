/**
 * `node sbom.mjs <folder>`: prints what is installed there as a CycloneDX document, as npm knows it; the same, to the byte,
 * for the same packages. (Asked of the whole repository with `--omit dev`, npm leaves out what is anybody's development
 * dependency: Nest and Fastify. So it is asked where nothing else is installed.)
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';

const folder = path.resolve(process.argv[2] ?? '.');
const printed = execFileSync('npm', ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application'], {
  cwd: folder,
  encoding: 'utf8',
  maxBuffer: 64 * 1024 * 1024,
});
const document = JSON.parse(printed);
delete document.serialNumber;
const { name } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
document.metadata.component.name = name;
document.metadata.timestamp = new Date(Number(process.env.SOURCE_DATE_EPOCH ?? 0) * 1000).toISOString();
// In the form of a UUID of version 8: made from the content, where npm has a random one.
const hex = createHash('sha256').update(JSON.stringify(document)).digest('hex');
const uuid = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)];
process.stdout.write(`${JSON.stringify({ ...document, serialNumber: `urn:uuid:${uuid.join('-')}` }, undefined, 2)}\n`);
