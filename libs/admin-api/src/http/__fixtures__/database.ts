import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLogger, type EmbeddedPostgres, startEmbeddedPostgres } from '@switchboard/platform';

export interface TestDatabase {
  postgres: EmbeddedPostgres;
  stop(): Promise<void>;
}

export async function startDatabase(): Promise<TestDatabase> {
  const dir = await mkdtemp(path.join(tmpdir(), 'switchboard-admin-'));
  await chmod(dir, 0o711);
  const log = createLogger({ level: 'silent', name: 'test' });
  const postgres = await startEmbeddedPostgres({ dataDir: dir, log });
  return {
    postgres,
    stop: async () => {
      await postgres.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
