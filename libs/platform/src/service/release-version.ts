import { readFileSync } from 'node:fs';
import path from 'node:path';

/** Of the whole release: every package has the same. */
export function releaseVersion(): string {
  const manifest = readFileSync(path.join(__dirname, '../../package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
