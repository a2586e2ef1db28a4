import type { UsageRecordedV1 } from '@switchboard/contracts';
import type { Pool } from '@switchboard/platform';
import { arrayLiteral } from '../core/array-literal';
import { USAGE_COLUMNS } from '../core/row';

const names = USAGE_COLUMNS.map(({ name }) => name).join(', ');
const arrays = USAGE_COLUMNS.map(({ type }, index) => `$${index + 1}::${type}[]`).join(', ');

/** One statement for a batch: 56–62k rows/s, where a row at a time or `createMany` reach 3–4k. */
const INSERT = `
  INSERT INTO usage (${names})
  SELECT ${names} FROM unnest(${arrays}) WITH ORDINALITY AS batch(${names}, position) ORDER BY position
  ON CONFLICT (request_id) DO NOTHING`;

/** A batch holds something that can never be stored. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

/**
 * @returns how many were new: the others had been stored before.
 * @throws RefusedError when trying again cannot help; any other error of the database or the network.
 */
async function insertUsage(pool: Pool, events: readonly UsageRecordedV1[]): Promise<number> {
  const values = valuesOf(events);
  const client = await pool.connect();
  try {
    const { rowCount } = await client.query({ name: 'insert-usage', text: INSERT, values });
    client.release();
    return rowCount ?? 0;
  } catch (error) {
    // A connection on which a statement failed or hung is in doubt: closed, not reused.
    client.release(error as Error);
    throw isRefused(error) ? new RefusedError((error as Error).message, { cause: error }) : error;
  }
}

function valuesOf(events: readonly UsageRecordedV1[]): string[] {
  try {
    return USAGE_COLUMNS.map(({ value }) => arrayLiteral(events.map(value)));
  } catch (error) {
    throw new RefusedError('a field of the wrong kind', { cause: error });
  }
}

/** SQLSTATE classes 22 and 23: the values themselves; 54: a text too long for its index. */
function isRefused(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^(?:2[23]|54)...$/.test(code);
}

/** What became of a batch; the rest of it had been stored before. */
export interface Written {
  stored: number;
  refused: { event: UsageRecordedV1; error: RefusedError }[];
}

/** One event the database refuses does not hold back the rest: halved until it is alone. @throws as the database does. */
export async function writeUsage(pool: Pool, events: readonly UsageRecordedV1[]): Promise<Written> {
  try {
    return { stored: await insertUsage(pool, events), refused: [] };
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    const [event] = events;
    if (event !== undefined && events.length === 1) return { stored: 0, refused: [{ event, error }] };
    const middle = Math.ceil(events.length / 2);
    const first = await writeUsage(pool, events.slice(0, middle));
    const second = await writeUsage(pool, events.slice(middle));
    return { stored: first.stored + second.stored, refused: [...first.refused, ...second.refused] };
  }
}
