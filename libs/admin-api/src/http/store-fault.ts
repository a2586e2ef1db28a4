/** What Prisma says of a database that cannot be reached, is not let in to, has no schema yet, or gives up a transaction. */
const PRISMA_CODES = new Set(
  ['P1000', 'P1001', 'P1002', 'P1003', 'P1008', 'P1010', 'P1011', 'P1017'].concat(['P2021', 'P2024', 'P2028', 'P2037']),
);
const SOCKET_CODES = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'ETIMEDOUT', 'EPIPE', 'EAI_AGAIN', 'ENOENT']);
/** The same of a raw query, whose code says only that it failed. */
const ADAPTER_KINDS = new Set(
  ['DatabaseNotReachable', 'ConnectionClosed', 'SocketTimeout', 'TlsConnectionError', 'TooManyConnections'].concat([
    'TableDoesNotExist',
    'DatabaseDoesNotExist',
    'DatabaseAccessDenied',
    'AuthenticationFailed',
  ]),
);
/** Connection exceptions, resources, operator intervention: shutting down, starting up, a statement cancelled for time. */
const SQL_STATES = /^(08|53|57)...$/;
/** What pg says in words alone. */
const PG_TEXTS =
  /Connection terminated|Connection ended|timeout exceeded when trying to connect|Query read timeout|is not queryable/i;

/** Whether the fault is that the database is away or does not answer, however deep in its causes that is said. */
export function isStoreAway(error: unknown, depth = 0): boolean {
  if (typeof error !== 'object' || error === null || depth > 5) return false;
  const { code, originalCode, kind, message, cause, meta } = error as Record<string, unknown>;
  for (const one of [code, originalCode]) {
    if (typeof one !== 'string') continue;
    if (PRISMA_CODES.has(one) || SOCKET_CODES.has(one) || SQL_STATES.test(one)) return true;
  }
  if (typeof kind === 'string' && ADAPTER_KINDS.has(kind)) return true;
  if (typeof message === 'string' && PG_TEXTS.test(message)) return true;
  return [cause, (meta as Record<string, unknown> | undefined)?.['driverAdapterError']].some((inner) =>
    isStoreAway(inner, depth + 1),
  );
}
