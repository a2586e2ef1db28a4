import type { Budget } from '@switchboard/contracts';

const DAY_MS = 86_400_000;

/** When the current period of a budget began, in UTC; weeks begin on Monday. Undefined for `total`: with the first call. */
export function periodStart(period: Budget['period'], now: Date): Date | undefined {
  const [year, month, day] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()];
  switch (period) {
    case 'total':
      return undefined;
    case 'day':
      return new Date(Date.UTC(year, month, day));
    case 'week':
      return new Date(Date.UTC(year, month, day) - ((now.getUTCDay() + 6) % 7) * DAY_MS);
    case 'month':
      return new Date(Date.UTC(year, month, 1));
  }
}
