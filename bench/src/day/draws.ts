/** Chance without a generator's state: what is drawn for one thing does not move when something else draws more. */

/** 0 to 1, 1 excluded; the same for the same keys, whole numbers. */
export function drawOf(...keys: readonly number[]): number {
  let hash = 0x9e3779b9;
  for (const key of keys) {
    hash = Math.imul(hash ^ key, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    hash ^= hash >>> 16;
  }
  return (hash >>> 0) / 4_294_967_296;
}

/** Of a normal distribution around 0 of deviation 1. */
export function normalOf(...keys: readonly number[]): number {
  const radius = Math.sqrt(-2 * Math.log(1 - drawOf(...keys, 1)));
  return radius * Math.cos(2 * Math.PI * drawOf(...keys, 2));
}

/** `spread`: the deviation of its logarithm. */
export function logNormalOf(median: number, spread: number, ...keys: readonly number[]): number {
  return median * Math.exp(spread * normalOf(...keys));
}

/** One draw after the other, for what asks without keys. */
export function drawsFrom(...keys: readonly number[]): () => number {
  let count = 0;
  return () => drawOf(...keys, count++);
}
