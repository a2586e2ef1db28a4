import type { FoundResponsePartV1, ResponsePartRequestV1, ResponsePartV1 } from '@switchboard/contracts';
import { createPool, type Logger, type Pool } from '@switchboard/platform';
import { inTransaction } from '../../adapters/transaction';
import { isRefused, RefusedError } from '../../adapters/usage-insert';
import { storable } from '../../core/row';
import type { ResponseParts } from '../response-parts';

const DEFAULT_RETENTION_DAYS = 30;

/** Every part brings it: whichever is stored first makes it. */
const INSERT_RESPONSE = `
  INSERT INTO stored_responses
    (tenant_id, response_id, key_id, model, status, created_at, expires_at, parts, item_ids)
  VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(days => $7), $8, $9) ON CONFLICT DO NOTHING`;

/** Not of what was deleted meanwhile, which the lock waits for. */
const INSERT_PART = `
  INSERT INTO stored_response_parts (tenant_id, response_id, part, sealed)
  SELECT tenant_id, response_id, $3::int, $4::bytea FROM stored_responses
   WHERE tenant_id = $1 AND response_id = $2 AND parts = $5 AND deleted_at IS NULL FOR SHARE
      ON CONFLICT DO NOTHING`;

const FIND = (which: string): string => `
  SELECT found.response_id AS "responseId", found.parts, part.sealed
    FROM (SELECT tenant_id, response_id, parts FROM stored_responses
           WHERE tenant_id = $1 AND ${which} AND deleted_at IS NULL AND expires_at > now()
           ORDER BY created_at DESC LIMIT 1) AS found
    JOIN stored_response_parts AS part ON (part.tenant_id, part.response_id) = (found.tenant_id, found.response_id)
   WHERE part.part = $3
     AND found.parts = (SELECT count(*) FROM stored_response_parts AS kept
                         WHERE (kept.tenant_id, kept.response_id) = (found.tenant_id, found.response_id))`;
const FIND_BY_ID = FIND('response_id = $2');
const FIND_BY_ITEMS = FIND('item_ids && $2::text[]');

const REMOVE = `
  WITH removed AS (
    UPDATE stored_responses SET deleted_at = now(), item_ids = '{}'
     WHERE tenant_id = $1 AND response_id = $2 AND deleted_at IS NULL AND expires_at > now()
    RETURNING tenant_id, response_id),
  emptied AS (
    DELETE FROM stored_response_parts AS part USING removed
     WHERE (part.tenant_id, part.response_id) = (removed.tenant_id, removed.response_id))
  SELECT 1 FROM removed`;

/** Who asks does not wait longer. */
const QUERY_TIMEOUT_MS = 2_500;

/** Connections of its own: megabytes neither delay usage nor wait for it. */
export function createResponsePool(options: { url: string; log: Logger }): Pool {
  return createPool({ ...options, connectionsMax: 4, queryTimeoutMs: QUERY_TIMEOUT_MS });
}

type FoundRow = Omit<FoundResponsePartV1, 'sealed'> & { sealed: Buffer };

export interface ResponseRowsOptions {
  pool: Pool;
  /** Whole days; default 30. */
  retentionDays?: number | undefined;
}

/** Stored responses in Postgres. Whatever expires is not found from then on; a job takes it out. */
export class ResponseRows implements ResponseParts {
  constructor(private readonly options: ResponseRowsOptions) {}

  /** @throws RefusedError when trying again cannot help; any other error of the database or the network. */
  async append(part: ResponsePartV1): Promise<void> {
    const { pool, retentionDays = DEFAULT_RETENTION_DAYS } = this.options;
    const [tenantId, responseId] = [storable(part.tenantId), storable(part.responseId)];
    const response = [
      ...[tenantId, responseId, storable(part.keyId), storable(part.model), storable(part.status)],
      ...[new Date(part.createdAtMs).toISOString(), retentionDays, part.parts, part.itemIds.map(storable)],
    ];
    const sealed = Buffer.from(part.sealed, 'base64');
    try {
      await inTransaction(pool, async (client) => {
        await client.query({ name: 'insert-response', text: INSERT_RESPONSE, values: response });
        const values = [tenantId, responseId, part.part, sealed, part.parts];
        await client.query({ name: 'insert-response-part', text: INSERT_PART, values });
      });
    } catch (error) {
      throw isRefused(error) ? new RefusedError((error as Error).message, { cause: error }) : error;
    }
  }

  async find({ tenantId, responseId, itemIds, part }: ResponsePartRequestV1): Promise<FoundResponsePartV1 | undefined> {
    const { pool } = this.options;
    const { rows } =
      responseId === undefined
        ? await pool.query<FoundRow>(FIND_BY_ITEMS, [tenantId, itemIds ?? [], part])
        : await pool.query<FoundRow>(FIND_BY_ID, [tenantId, responseId, part]);
    const [row] = rows;
    return row && { ...row, sealed: row.sealed.toString('base64') };
  }

  async remove({ tenantId, responseId }: { tenantId: string; responseId: string }): Promise<boolean> {
    const { rowCount } = await this.options.pool.query(REMOVE, [tenantId, responseId]);
    return rowCount === 1;
  }
}
