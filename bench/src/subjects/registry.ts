import { bareProxy } from './bare-proxy';
import { distributed, distributedLimits } from './distributed';
import { portkey } from './portkey';
import { standalone } from './standalone';
import type { Subject } from './subject';

/** What every other subject is divided by. */
export const baseline: Subject = bareProxy;

/** What can be named on the command line. The baseline beside itself shows the noise. */
export const subjects: ReadonlyMap<string, Subject> = new Map(
  [standalone, distributed, distributedLimits, bareProxy, portkey].map((subject) => [subject.name, subject]),
);

/** @throws TypeError when one has no such name. */
export function subjectsNamed(names: readonly string[]): Subject[] {
  return names.map((name) => {
    const subject = subjects.get(name);
    if (subject === undefined) throw new TypeError(`no subject ${name}; there are ${[...subjects.keys()].join(', ')}`);
    return subject;
  });
}
