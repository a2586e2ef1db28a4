import type { Dialect, DialectId } from '../dialect';

/** Every dialect, client side and upstream side alike. */
export const DIALECTS: Partial<Record<DialectId, Dialect>> = {};
