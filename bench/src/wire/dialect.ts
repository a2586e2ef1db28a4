export type BenchDialect = 'anthropic' | 'chat';

export const pathOf: Readonly<Record<BenchDialect, string>> = {
  anthropic: '/v1/messages',
  chat: '/v1/chat/completions',
};

/** How a reply comes: as one body, as a stream of 100 events each in a read of its own, or as the same events in few reads. */
export type Delivery = 'whole' | 'separate' | 'batched';
