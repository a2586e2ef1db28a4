/** Milliseconds of the machine's steady clock: unlike `performance.now()` the same in every thread. */
export function nowMs(): number {
  const [seconds, nanos] = process.hrtime();
  return seconds * 1000 + nanos / 1e6;
}
