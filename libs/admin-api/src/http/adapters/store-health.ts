import type { PrismaClient } from '@switchboard/platform';

export interface OutboxState {
  depth: number;
  /** Of the oldest entry; null where there is none. */
  oldestSeconds: number | null;
}

/** How the database does, and how much of it is not yet published. */
export class StoreHealth {
  constructor(private readonly prisma: PrismaClient) {}

  /** @throws the database's error when it is away. */
  async outbox(now: Date): Promise<OutboxState> {
    const { _count, _min } = await this.prisma.outboxEntry.aggregate({ _count: true, _min: { createdAt: true } });
    const oldest = _min.createdAt;
    return {
      depth: _count,
      oldestSeconds: oldest === null ? null : Math.max(0, (now.getTime() - oldest.getTime()) / 1000),
    };
  }
}
