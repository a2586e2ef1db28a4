import type { Scenario } from './scenarios';

type Shape = Pick<Scenario, 'client' | 'upstream' | 'bodyBytes' | 'delivery'>;

const kilobyte = 1024;
const sameDialectWhole: ReadonlyMap<number, number> = new Map([
  [kilobyte, 1.6],
  [20 * kilobyte, 1.8],
  [200 * kilobyte, 1.5],
]);
const sameDialectStream = 1.2;
const translatedSmall = 2.5;
const translatedStream = 2;

/** How many times the bare proxy's CPU per request the gateway may take at most; undefined: nothing was promised. */
export function mostRatio({ client, upstream, bodyBytes, delivery }: Shape): number | undefined {
  if (delivery === 'batched') return undefined;
  const isTranslated = client !== upstream;
  if (delivery === 'separate') return isTranslated ? translatedStream : sameDialectStream;
  if (isTranslated) return bodyBytes === kilobyte ? translatedSmall : undefined;
  return sameDialectWhole.get(bodyBytes);
}

/** How many times the gateway's CPU per request a peer takes at least. */
export const leastPeerRatio = 15;

/** As a table says it. */
export function verdict(isMet: boolean): string {
  return isMet ? 'met' : '**missed**';
}
