import { AdminError } from '../core/admin-error';

export function forbidden(): AdminError {
  return new AdminError(403, 'forbidden', 'Your role does not allow this.');
}

export const RETRY_AFTER_SECONDS = 5;

/** A dependency is away; `cause` is for the log. */
export function unavailable(code: string, message: string, cause?: unknown): AdminError {
  return new AdminError(503, code, message, { headers: { 'retry-after': String(RETRY_AFTER_SECONDS) }, cause });
}

export function storeUnavailable(cause?: unknown): AdminError {
  return unavailable('store_unavailable', 'The database does not answer; nothing is known to be changed.', cause);
}
