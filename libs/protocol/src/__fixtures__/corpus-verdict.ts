import { isDeepStrictEqual } from 'node:util';
import type { DialectId } from '../dialect';
import type { JsonObject } from '../json';
import { valuesAt, type Fixture, type Mark, type Place } from './corpus-case';
import type { Outcome } from './corpus-translate';

export type Verdict = 'carried' | 'converted' | 'loss' | 'refused';

/** @param features of the losses that account for it */
export interface MarkVerdict {
  what: string;
  verdict: Verdict;
  features: string[];
}

/**
 * What became of each mark. Throws where one is gone without a word, and where a loss is reported that no mark speaks of.
 *
 * @param view the output as the reader of the target dialect has it; absent where the request was refused
 */
export function judge({ of, kind, from, to }: Fixture, { losses, fault }: Outcome, view?: JsonObject): MarkVerdict[] {
  const marks = of.marks.filter(
    (mark) =>
      (mark.in ?? [kind]).includes(kind) && !mark.notFrom?.includes(from) && !(mark.notSame === true && from === to),
  );
  if (fault !== undefined) {
    if (!marks.some(({ refused }) => refused !== undefined && fault.includes(refused)))
      throw new Error(`No mark of ${of.row}/${of.name} expects this refusal: ${fault}`);
    // A reply that was an error is told as one.
    const verdict = kind === 'request' ? 'refused' : 'carried';
    return marks.map(({ what }) => ({ what, verdict, features: [] }));
  }
  const features = [...new Set(losses.map(({ feature }) => feature))];
  const expected = new Set(marks.flatMap(({ lost = [] }) => lost));
  const surprises = features.filter((feature) => !expected.has(feature));
  if (surprises.length > 0)
    throw new Error(`No mark of ${of.row}/${of.name} speaks of the loss of ${surprises.join()}`);
  return marks.map((mark) => {
    const verdict = verdictOf(mark, to, features, view ?? {});
    if (verdict === undefined)
      throw new Error(`Lost without a word in ${of.row}/${of.name}: ${mark.what}. Sent: ${JSON.stringify(view)}`);
    return { what: mark.what, ...verdict };
  });
}

function verdictOf(mark: Mark, to: DialectId, features: readonly string[], view: JsonObject) {
  if (isAt(mark.carried[to], mark, view)) return { verdict: 'carried' as const, features: [] };
  const reported = features.filter((feature) => mark.lost?.includes(feature));
  if (isAt(mark.converted?.[to], mark, view)) return { verdict: 'converted' as const, features: reported };
  return reported.length > 0 ? { verdict: 'loss' as const, features: reported } : undefined;
}

function isAt(place: Place | undefined, mark: Mark, view: JsonObject): boolean {
  if (place === undefined) return false;
  if (typeof place === 'string') {
    const { mark: sought } = mark;
    if (sought === undefined) return false;
    return valuesAt(view, place).some((value) =>
      typeof value === 'string' && typeof sought === 'string'
        ? value.includes(sought)
        : isDeepStrictEqual(value, sought),
    );
  }
  if (Array.isArray(place)) return place.some((one) => isAt(one, mark, view));
  return valuesAt(view, place.at).some((value) =>
    'is' in place ? isDeepStrictEqual(value, place.is) : typeof value === 'string' && value.includes(place.has),
  );
}
