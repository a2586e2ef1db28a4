/** Models made through the API are listed after all that the file declares. */
export const API_POSITION_MIN = 100_000_000;

/** Room for what is put between two later, so that the others stay where they are. */
const GAP = 1_000;

/**
 * A place in listings for each model, ascending in the order given. Those that are in order already keep the place they
 * have: putting one in between changes no other.
 */
export function assignPositions(ids: readonly string[], existing: ReadonlyMap<string, number>): Map<string, number> {
  const positions = new Map<string, number>();
  let last = 0;
  ids.forEach((id, index) => {
    const own = existing.get(id);
    const keeps = own !== undefined && own > last && own < API_POSITION_MIN;
    last = keeps ? own : last + (follows(ids.slice(index + 1), existing, last) ?? GAP);
    positions.set(id, last);
  });
  return positions;
}

/** The step that leaves room before the next one that could keep its place; undefined where there is none. */
function follows(later: readonly string[], existing: ReadonlyMap<string, number>, last: number): number | undefined {
  for (const id of later) {
    const own = existing.get(id);
    if (own !== undefined && own > last && own < API_POSITION_MIN) return Math.max(1, Math.floor((own - last) / 2));
  }
  return undefined;
}
