/** @throws Error when the bus could not hold such a key: a fault of the program, not of the bus. */
export function checkBucketKey(key: string): void {
  // The key is the tail of a subject: an empty token in it would make the subject invalid.
  if (!/^[-/=\w]+(\.[-/=\w]+)*$/.test(key)) throw new Error(`not a bucket key: ${JSON.stringify(key)}`);
}
