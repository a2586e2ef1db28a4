import type { BenchDialect, Delivery } from './wire/dialect';

export interface Scenario {
  name: string;
  client: BenchDialect;
  upstream: BenchDialect;
  bodyBytes: number;
  delivery: Delivery;
  /** Connections, each with one request under way. */
  concurrency: number;
}

const kilobyte = 1024;
const pairs: [BenchDialect, BenchDialect][] = [
  ['anthropic', 'anthropic'],
  ['chat', 'chat'],
  ['chat', 'anthropic'],
  ['anthropic', 'chat'],
];
const shapes: [kilobytes: number, delivery: Delivery, concurrency: number][] = [
  [1, 'whole', 32],
  [20, 'whole', 32],
  [200, 'whole', 16],
  // Paced streams keep the subject far from busy, so more of them run at once.
  [1, 'separate', 64],
  [1, 'batched', 32],
];
const deliveryLabel: Readonly<Record<Delivery, string>> = {
  whole: '',
  separate: ', 100 separate chunks',
  batched: ', 100 events in few reads',
};

export const scenarios: readonly Scenario[] = pairs.flatMap(([client, upstream]) =>
  shapes.map(([kilobytes, delivery, concurrency]) => ({
    name: `${client} → ${upstream}, ${kilobytes} KB${deliveryLabel[delivery]}`,
    client,
    upstream,
    bodyBytes: kilobytes * kilobyte,
    delivery,
    concurrency,
  })),
);
