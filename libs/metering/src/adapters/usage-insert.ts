import type { UsageRecordedV1 } from '@switchboard/contracts';
import type { Pool, PoolClient } from '@switchboard/platform';
import { mostAccurate } from '../core/accuracy';
import { arrayLiteral } from '../core/array-literal';
import { storedRequestId, USAGE_COLUMNS } from '../core/row';
import { inTransaction } from './transaction';
import { CORRECT, INSERT, LOCK_CORRECTABLE } from './usage-insert-sql';

/** A deadlock, or a conflict of serialization: the database gave up one of two writers, which may simply try again. */
const GIVEN_UP = new Set(['40P01', '40001']);
const ATTEMPTS = 10;

/**
 * Between the statements of a batch its locks stand: a writer that is gone without a word must not hold up the others. All
 * that is read of usage is read by request id: on the first of a month the planner takes a partition for empty, and would
 * scan it for each. One message with BEGIN, as each one is a round trip.
 */
const BEGIN =
  'BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL idle_in_transaction_session_timeout = 5000; SET LOCAL enable_seqscan = off';

/** A batch holds something that can never be stored. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

interface Batch {
  /** One per request. */
  events: readonly UsageRecordedV1[];
  /** They, as an array per column. */
  values: string[];
}

interface Stored {
  /** Rows of requests that were not known. */
  stored: number;
  /** Requests that were known less accurately: they have one more revision. */
  corrected: number;
}

/**
 * One transaction: rows, ledger and rollups.
 *
 * @throws RefusedError when trying again cannot help; any other error of the database or the network.
 */
async function insertUsage(pool: Pool, events: readonly UsageRecordedV1[]): Promise<Stored> {
  const batch = batchOf(events);
  for (let attempt = 1; ; attempt++) {
    try {
      return await inTransaction(pool, (client) => store(client, batch), BEGIN);
    } catch (error) {
      if (GIVEN_UP.has(codeOf(error)) && attempt < ATTEMPTS) continue;
      throw isRefused(error) ? new RefusedError((error as Error).message, { cause: error }) : error;
    }
  }
}

async function store(client: PoolClient, { events, values }: Batch): Promise<Stored> {
  const stored = await countOf(client, { name: 'insert-usage', text: INSERT, values });
  const corrected = stored === events.length ? 0 : await correct(client, events);
  return { stored, corrected };
}

/** Of events whose requests were known, those that say more. What this transaction has just inserted says the same. */
async function correct(client: PoolClient, events: readonly UsageRecordedV1[]): Promise<number> {
  const ids = arrayLiteral(events.map(storedRequestId));
  const accuracies = arrayLiteral(events.map(({ accuracy }) => accuracy));
  const { rows } = await client.query<{ position: number }>({
    ...{ name: 'lock-correctable-usage', text: LOCK_CORRECTABLE, values: [ids, accuracies] },
  });
  if (rows.length === 0) return 0;
  const places = new Set(rows.map(({ position }) => position - 1));
  const { values } = batchOf(events.filter((_, index) => places.has(index)));
  return countOf(client, { name: 'correct-usage', text: CORRECT, values });
}

async function countOf(client: PoolClient, query: { name: string; text: string; values: string[] }): Promise<number> {
  const { rows } = await client.query<{ count: number }>(query);
  return rows[0]?.count ?? 0;
}

/** @throws RefusedError */
function batchOf(events: readonly UsageRecordedV1[]): Batch {
  try {
    const best = mostAccurate(events, storedRequestId);
    return { events: best, values: USAGE_COLUMNS.map(({ value }) => arrayLiteral(best.map(value))) };
  } catch (error) {
    throw new RefusedError('a field of the wrong kind', { cause: error });
  }
}

function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : '';
}

/**
 * SQLSTATE classes 22 and 23: the values themselves; 54: a text too long for its index. A constraint of the ledger that
 * fails is no fault of an event: it must not cost one, and is tried again and told of until somebody looks.
 */
export function isRefused(error: unknown): boolean {
  const { table } = error as { table?: unknown };
  if (!/^(?:2[23]|54)...$/.test(codeOf(error))) return false;
  return typeof table !== 'string' || !table.startsWith('ledger_');
}

/** What became of a batch; the rest of it was known at least as accurately before. */
export interface Written extends Stored {
  refused: { event: UsageRecordedV1; error: RefusedError }[];
}

/** One event the database refuses does not hold back the rest: halved until it is alone. @throws as the database does. */
export async function writeUsage(pool: Pool, events: readonly UsageRecordedV1[]): Promise<Written> {
  try {
    return { ...(await insertUsage(pool, events)), refused: [] };
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    const [event] = events;
    if (event !== undefined && events.length === 1) return { stored: 0, corrected: 0, refused: [{ event, error }] };
    const middle = Math.ceil(events.length / 2);
    const first = await writeUsage(pool, events.slice(0, middle));
    const second = await writeUsage(pool, events.slice(middle));
    return {
      stored: first.stored + second.stored,
      corrected: first.corrected + second.corrected,
      refused: [...first.refused, ...second.refused],
    };
  }
}
