import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { ExportFilter, ExportFormat, ExportKind } from '@switchboard/contracts';
import type { Prisma } from '@switchboard/platform';
import { EXPORT_SOURCES, type SourceFilter } from './adapters/export-sources';
import type { ExportStore, TakenExport } from './adapters/export-store';
import { exportHead, exportLines } from './core/export-text';

const compressed = promisify(gzip);

/** In memory at once; a record has some 500 KB at the very worst. */
const PAGE_ROWS = 200;
/** What is compressed, and stored, as one: its text. */
const PART_CHARACTERS = 1024 * 1024;
/** Kept in the database for a day. */
const BYTES_MAX = 1024 ** 3;

/** The export cannot be made as it was asked for; the message is for who asked. */
export class ExportRefusedError extends Error {
  override readonly name = 'ExportRefusedError';
}

/**
 * Writes an export whole, from what `tx` sees: one snapshot, in which no correction moves a call. Each part is a gzip file by
 * itself, and all of them one after the other are one too. Ends early, unfinished, when `signal` aborts.
 *
 * @throws ExportLostError, ExportRefusedError, or the error of the database.
 */
export async function writeExport(
  tx: Prisma.TransactionClient,
  { taken, store, signal }: { taken: TakenExport; store: ExportStore; signal: AbortSignal },
): Promise<void> {
  const format = taken.format as ExportFormat;
  const { columns, page } = EXPORT_SOURCES[taken.kind as ExportKind];
  const filter = filterOf(taken);
  let text = exportHead(format, columns);
  let [rows, bytes, position] = [0, 0, 0];
  let cursor: string | undefined;
  do {
    const found = await page(tx, filter, { limit: PAGE_ROWS, cursor });
    cursor = found.nextCursor;
    text += exportLines(format, { columns, rows: found.rows });
    rows += found.rows.length;
    if (text.length < PART_CHARACTERS && cursor !== undefined) {
      await store.keep(taken);
      continue;
    }
    const data = await compressed(text);
    bytes += data.length;
    if (bytes > BYTES_MAX) throw new ExportRefusedError('it is larger than 1 GiB: ask for a shorter time');
    position = await store.append(taken, { position, data, rows });
    text = '';
    rows = 0;
  } while (cursor !== undefined && !signal.aborted);
}

function filterOf({ tenantId, filter }: TakenExport): SourceFilter {
  return { ...(filter as unknown as ExportFilter), ...(tenantId === null ? {} : { tenantId }) };
}
