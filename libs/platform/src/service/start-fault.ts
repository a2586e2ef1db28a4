/** Why a process cannot start, and for the usual fault of a second start what to do. */
export function explainStartFault(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  if (code !== 'EADDRINUSE') return error.message;
  return `${address}:${port} is in use by another process. Stop it, or choose other ports (PORT, ADMIN_PORT).`;
}
