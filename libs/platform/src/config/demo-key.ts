import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export interface DemoKey {
  plaintext: string;
  /** SHA-256, lower-case hex: all the gateway itself works with. */
  hash: string;
}

/**
 * The key of a first run. It is kept in the data folder, readable by its owner alone, so that the lines printed at the
 * next start work too; keys made by an operator are never kept, only their hashes are.
 */
export function provideDemoKey(dataDir: string, keyPrefix: string): DemoKey {
  const file = path.join(dataDir, 'demo-key');
  const plaintext = readKey(file) ?? createKey(file, keyPrefix);
  return { plaintext, hash: createHash('sha256').update(plaintext).digest('hex') };
}

function readKey(file: string): string | undefined {
  try {
    const key = readFileSync(file, 'utf8').trim();
    return key === '' ? undefined : key;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function createKey(file: string, keyPrefix: string): string {
  const key = `${keyPrefix}_test_${randomBytes(24).toString('base64url')}`;
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `${key}\n`, { mode: 0o600 });
  return key;
}
