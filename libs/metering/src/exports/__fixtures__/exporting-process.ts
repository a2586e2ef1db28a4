import { createLogger, createMetrics, createPrismaClient } from '@switchboard/platform';
import { registerExportMetrics } from '../export-metrics';
import { ExportWorker } from '../export-worker';

/** `<database url>`: makes the exports there are. */
async function main(databaseUrl: string): Promise<void> {
  const log = createLogger({ level: 'error', name: 'exporting' });
  const prisma = createPrismaClient(databaseUrl, log);
  const metrics = registerExportMetrics(createMetrics());
  await new ExportWorker({ prisma, log, metrics }).run(new AbortController().signal);
}

void main(process.argv[2] ?? '');
