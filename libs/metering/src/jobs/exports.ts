import { createPrismaClient, type Logger, type Metrics, type Pool } from '@switchboard/platform';
import { isThereExportWork } from '../exports/adapters/export-work';
import { registerExportMetrics } from '../exports/export-metrics';
import { ExportWorker } from '../exports/export-worker';
import type { Job } from './job';

export interface ExportJobParts {
  pool: Pool;
  databaseUrl: string;
  log: Logger;
  metrics: Metrics;
}

/** Connections of its own, while there is something to export: one of them reads for as long as that takes. */
export function exportJob({ pool, databaseUrl, log, metrics }: ExportJobParts): Job {
  const registered = registerExportMetrics(metrics);
  const run = async (signal: AbortSignal): Promise<void> => {
    if (!(await isThereExportWork(pool, Date.now()))) return;
    const prisma = createPrismaClient(databaseUrl, log);
    try {
      await new ExportWorker({ prisma, log, metrics: registered }).run(signal);
    } finally {
      await prisma.$disconnect();
    }
  };
  return { name: 'exports', everyMs: 2_000, run };
}
