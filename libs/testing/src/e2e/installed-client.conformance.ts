import type { Installation } from './installed-client';

/** A suite that is skipped, and says why, where its client could not be installed. */
export function describeWith(installation: Installation, title: string, tests: (binary: string) => void): void {
  if (installation.ok) return describe(title, () => tests(installation.binary));
  const { reason } = installation;
  // Jest does not list the tests of a suite in which nothing runs.
  process.stderr.write(`skipped: ${title}: ${reason}\n`);
  describe.skip(`${title} [skipped: ${reason}]`, () => tests(''));
}
