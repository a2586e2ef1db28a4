import type { Pool, PoolClient } from '@switchboard/platform';

/** Commits what `work` does, or nothing of it. `begin`: with what settings; one message, as each is a round trip. */
export async function inTransaction<T>(
  pool: Pool,
  work: (client: PoolClient) => Promise<T>,
  begin = 'BEGIN',
): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query(begin);
    const result = await work(client);
    await client.query('COMMIT');
    client.release();
    return result;
  } catch (error) {
    // A connection on which something failed or hung is in doubt: closed, which rolls back, and not reused.
    client.release(error as Error);
    throw error;
  }
}
