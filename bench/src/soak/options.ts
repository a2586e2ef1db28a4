import { parseArgs } from 'node:util';
import { positive } from '../option-values';

export interface SoakOptions {
  subject: string;
  /** Whose latencies are one figure. */
  windowMs: number;
  windows: number;
  /** At one rate: how often that is steered. */
  stepMs: number;
  memorySpacingMs: number;
  /** Closed loop beforehand: what gets through at most, where the search for the rate begins. */
  saturationMs: number;
  warmUpMs: number;
  /** Of the subject's core, 0 to 1. */
  share: number;
  /** Whether the figures are worth keeping: half an hour. */
  keep: boolean;
}

const full = { windowMs: 60_000, stepMs: 10_000, memorySpacingMs: 10_000, saturationMs: 15_000, warmUpMs: 5000 };
const quick = { windowMs: 700, stepMs: 350, memorySpacingMs: 200, saturationMs: 400, warmUpMs: 200 };
const quickWindows = 3;
const keptMinutes = 30;

export const usage = `npm run bench:soak -- [--subject NAME] [--minutes N] [--load PERCENT] [--quick]
  --subject  what to measure (default: distributed)
  --minutes  how long (default: 3, for a look; kept from ${keptMinutes} on)
  --load     per cent of the subject's core (default: 70)
  --quick    for some seconds only; not kept`;

/** Throws a TypeError on what it does not know. */
export function parseSoakOptions(args: readonly string[]): SoakOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      subject: { type: 'string', default: 'distributed' },
      minutes: { type: 'string', default: '3' },
      load: { type: 'string', default: '70' },
      quick: { type: 'boolean', default: false },
    },
  });
  const minutes = positive('--minutes', values.minutes);
  const percent = positive('--load', values.load);
  if (percent > 100) throw new TypeError('--load must be 100 at most');
  return {
    ...(values.quick ? quick : full),
    ...{ subject: values.subject, share: percent / 100, windows: values.quick ? quickWindows : minutes },
    keep: !values.quick && minutes >= keptMinutes,
  };
}
