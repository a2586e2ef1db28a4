import { LedgerUnavailableError, type NanoUsd, type SpendingRequestV1 } from '@switchboard/contracts';
import { createPool, type Logger, type Pool } from '@switchboard/platform';

/** Who asks does not wait longer. */
const QUERY_TIMEOUT_MS = 2_500;

const HOUR_MS = 3_600_000;

/**
 * $3: from when; $4: the first whole hour from then on. Rollups hold whole hours, so that the rest of the hour it begins in,
 * if any, is summed call by call. One statement: both parts see the same commits.
 */
const SUM = `
  SELECT (SELECT coalesce(sum(cost_nano_usd), 0) FROM usage_rollups
           WHERE tenant_id = $1 AND ($2::text IS NULL OR key_id = $2) AND hour >= $4)
       + (SELECT coalesce(sum(cost_nano_usd), 0) FROM usage_current
           WHERE tenant_id = $1 AND ($2::text IS NULL OR key_id = $2) AND started_at >= $3 AND started_at < $4) AS spent`;

/** A connection of its own: a long insert does not delay an answer, nor many questions an insert. */
export function createSpendingPool(options: { url: string; log: Logger }): Pool {
  return createPool({ ...options, connectionsMax: 1, queryTimeoutMs: QUERY_TIMEOUT_MS });
}

/** Sums up what the ledger has. Those who ask the same while the question waits for its connection share one query. */
export class SpendingSums {
  private readonly waiting = new Map<string, Promise<NanoUsd>>();

  constructor(private readonly pool: Pool) {}

  /** Everything that was committed before the call is in it. @throws LedgerUnavailableError */
  sum(request: SpendingRequestV1): Promise<NanoUsd> {
    const question = JSON.stringify([request.tenantId, request.keyId ?? null, request.fromMs]);
    const known = this.waiting.get(question);
    if (known !== undefined) return known;
    // Not shared any longer once it is sent: it may miss what later askers know to be stored.
    const sum = this.read(request, () => this.waiting.delete(question));
    this.waiting.set(question, sum);
    return sum;
  }

  private async read(request: SpendingRequestV1, onBegin: () => void): Promise<NanoUsd> {
    try {
      return exact(await this.query(request, onBegin));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new LedgerUnavailableError(`the ledger cannot be read: ${reason}`, { cause: error });
    }
  }

  private async query({ tenantId, keyId, fromMs }: SpendingRequestV1, onBegin: () => void): Promise<string> {
    const client = await this.pool.connect().finally(onBegin);
    try {
      const wholeMs = Math.ceil(fromMs / HOUR_MS) * HOUR_MS;
      const values = [tenantId, keyId ?? null, ...[fromMs, wholeMs].map((ms) => new Date(ms).toISOString())];
      const { rows } = await client.query<{ spent: string }>(SUM, values);
      client.release();
      return String(rows[0]?.spent);
    } catch (error) {
      // A connection on which a statement failed or hung is in doubt: closed, not reused.
      client.release(error as Error);
      throw error;
    }
  }
}

/** @throws RangeError */
function exact(sum: string): NanoUsd {
  const nanoUsd = Number(sum);
  if (!Number.isSafeInteger(nanoUsd)) throw new RangeError(`${sum} nano-USD are more than a number holds exactly`);
  return nanoUsd;
}
