import type { CallLoggedV1 } from '@switchboard/contracts';
import type { Pool } from '@switchboard/platform';
import { isRefused, RefusedError } from '../../adapters/usage-insert';
import { arrayLiteral } from '../../core/array-literal';
import { CALL_COLUMNS } from '../core/call-row';

const names = CALL_COLUMNS.map(({ name }) => name).join(', ');
const arrays = CALL_COLUMNS.map(({ type }, index) => `$${index + 1}::${type}[]`).join(', ');

/** Parameters: an array per column. What came before is there already. */
const INSERT = `INSERT INTO call_log (${names}) SELECT * FROM unnest(${arrays}) ON CONFLICT DO NOTHING`;

/** What became of a batch; the rest of it was there before. */
export interface StoredCalls {
  stored: number;
  refused: { call: CallLoggedV1; error: RefusedError }[];
}

/** One call the database refuses does not hold back the rest: halved until it is alone. @throws as the database does. */
export async function storeCalls(pool: Pool, calls: readonly CallLoggedV1[]): Promise<StoredCalls> {
  try {
    return { stored: await insertCalls(pool, calls), refused: [] };
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    const [call] = calls;
    if (call !== undefined && calls.length === 1) return { stored: 0, refused: [{ call, error }] };
    const middle = Math.ceil(calls.length / 2);
    const first = await storeCalls(pool, calls.slice(0, middle));
    const second = await storeCalls(pool, calls.slice(middle));
    return { stored: first.stored + second.stored, refused: [...first.refused, ...second.refused] };
  }
}

async function insertCalls(pool: Pool, calls: readonly CallLoggedV1[]): Promise<number> {
  const values = valuesOf(calls);
  try {
    const { rowCount } = await pool.query({ name: 'insert-calls', text: INSERT, values });
    return rowCount ?? 0;
  } catch (error) {
    throw isRefused(error) ? new RefusedError((error as Error).message, { cause: error }) : error;
  }
}

/** @throws RefusedError */
function valuesOf(calls: readonly CallLoggedV1[]): string[] {
  try {
    return CALL_COLUMNS.map(({ value }) => arrayLiteral(calls.map(value)));
  } catch (error) {
    throw new RefusedError('a field of the wrong kind', { cause: error });
  }
}
