import type { UsageRecordedV1 } from '@switchboard/contracts';

/** How much a record knows: of two about one request, the higher counts. `accuracyRankSql` says the same. */
const RANK: Readonly<Record<UsageRecordedV1['accuracy'], number>> = { orphaned: 0, estimated: 1, exact: 2 };

export function isMoreAccurate(one: UsageRecordedV1, other: UsageRecordedV1): boolean {
  return RANK[one.accuracy] > RANK[other.accuracy];
}

/** The rank of an accuracy in the database, as SQL. */
export function accuracyRankSql(expression: string): string {
  return `array_position(ARRAY['orphaned', 'estimated', 'exact'], ${expression})`;
}

/**
 * One record per request: the most accurate, the first of equals, at the place where its request was first seen. `idOf`
 * says as what a request is stored: two ids may be one in the database.
 */
export function mostAccurate(
  events: readonly UsageRecordedV1[],
  idOf: (event: UsageRecordedV1) => string,
): UsageRecordedV1[] {
  const best = new Map<string, UsageRecordedV1>();
  for (const event of events) {
    const id = idOf(event);
    const known = best.get(id);
    if (known === undefined || isMoreAccurate(event, known)) best.set(id, event);
  }
  return [...best.values()];
}
