import type { NamedSubject } from '../measure';
import type { Scenario } from '../scenarios';
import { BOUNDS, callerWith, type Bounds } from './callers';
import type { BatchedEdge, World } from './world';

/** What is measured: a kind of key at an edge, or the bare proxy. */
export interface Side extends NamedSubject {
  /** Absent: the bare proxy. */
  at?: { edge: BatchedEdge; bounds: Bounds };
}

/** A request a provider would answer in seconds: what admission adds shows best where there is little else. */
export const scenario: Scenario = {
  name: 'anthropic → anthropic, 1 KB',
  client: 'anthropic',
  upstream: 'anthropic',
  bodyBytes: 1024,
  delivery: 'whole',
  concurrency: 32,
};

/** The bare proxy, then for every edge each kind of bounds. */
export function sidesOf({ bare, edges }: World): Side[] {
  const ofEdge = (edge: BatchedEdge): Side[] =>
    BOUNDS.map((bounds) => ({
      ...{ name: `batch ${edge.batchMax}, ${bounds}`, running: edge },
      ...{ caller: callerWith(bounds), at: { edge, bounds } },
    }));
  return [{ name: 'bare proxy', running: bare }, ...edges.flatMap(ofEdge)];
}

/**
 * Runs `work`, and proves that every call of a key with bounds was really admitted: while the limiter is away, calls of
 * keys with only limits go on without it, and would look cheap.
 *
 * @param bounded how many such calls each edge answered. @throws when some were not admitted.
 */
export async function provingAdmission(edges: readonly BatchedEdge[], work: (bounded: Tally) => Promise<void>) {
  const before = await Promise.all(edges.map((edge) => edge.admissions()));
  const bounded = new Tally();
  await work(bounded);
  for (const [index, edge] of edges.entries()) {
    const after = await edge.admissions();
    const grown = (outcome: string): number => (after[outcome] ?? 0) - (before[index]?.[outcome] ?? 0);
    const unasked = grown('unavailable_admitted') + grown('unavailable_refused');
    const answered = bounded.of(edge);
    if (unasked === 0 && grown('admitted') >= answered) continue;
    const told = JSON.stringify(after);
    throw new Error(`batch ${edge.batchMax}: ${answered} calls with bounds were answered, but admission tells ${told}`);
  }
}

export class Tally {
  private readonly counts = new Map<BatchedEdge, number>();

  add({ at }: Side, calls: number): void {
    if (at !== undefined && at.bounds !== 'none') this.counts.set(at.edge, this.of(at.edge) + calls);
  }

  of(edge: BatchedEdge): number {
    return this.counts.get(edge) ?? 0;
  }
}
