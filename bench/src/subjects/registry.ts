import { bareProxy } from './bare-proxy';
import { standalone } from './standalone';
import type { Subject } from './subject';

/** What every other subject is divided by. */
export const baseline: Subject = bareProxy;

/** What can be named on the command line. The baseline beside itself shows the noise. */
export const subjects: ReadonlyMap<string, Subject> = new Map(
  [standalone, bareProxy].map((subject) => [subject.name, subject]),
);
