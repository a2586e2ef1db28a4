import { InvalidCursorError } from '@switchboard/contracts';

/** `cursor`: the `nextCursor` of the page before. */
export interface PageRequest {
  limit: number;
  cursor?: string;
}

export interface Page<View> {
  data: View[];
  /** Absent on the last page. */
  nextCursor?: string;
}

/** The ids of the tenants that may be seen; absent: all. What belongs to another is as if it were not there. */
export type TenantScope = readonly string[] | undefined;

/** Of one row more than the limit, the page and where the next one starts. */
export function pageOf<Row, View>(
  rows: readonly Row[],
  limit: number,
  place: { view: (row: Row) => View; cursor: (row: Row) => string },
): Page<View> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const data = shown.map((row) => place.view(row));
  return rows.length <= limit || last === undefined ? { data } : { data, nextCursor: encodeCursor(place.cursor(last)) };
}

function encodeCursor(place: string): string {
  return Buffer.from(place, 'utf8').toString('base64url');
}

/** @throws InvalidCursorError when no page gave it. */
export function decodeCursor(cursor: string): string {
  const place = Buffer.from(cursor, 'base64url').toString('utf8');
  if (place === '' || place.includes('\0') || encodeCursor(place) !== cursor) throw new InvalidCursorError();
  return place;
}
