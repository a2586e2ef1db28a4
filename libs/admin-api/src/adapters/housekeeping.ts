import { BUCKETS, bucketKey } from '@switchboard/contracts';
import type { PrismaClient } from '@switchboard/platform';
import { REPLY_KEPT_MS } from './idempotent-replies';

/** Removes what has ended by itself: secrets after the overlap of a rotation, replies kept for a day. */
export async function removeExpired(prisma: PrismaClient, now: Date): Promise<{ secrets: number }> {
  await prisma.idempotentReply.deleteMany({ where: { createdAt: { lt: new Date(now.getTime() - REPLY_KEPT_MS) } } });
  const expired = { expiresAt: { lte: now } };
  if ((await prisma.keySecret.count({ where: expired })) === 0) return { secrets: 0 };
  return prisma.$transaction(async (tx) => {
    const hashes = await tx.$queryRaw<
      { hash: string }[]
    >`DELETE FROM key_secrets WHERE expires_at <= ${now} RETURNING hash`;
    const entries = hashes.map(({ hash }) => ({ bucket: BUCKETS.keys.name, key: bucketKey.key(hash) }));
    await tx.outboxEntry.createMany({ data: entries });
    return { secrets: hashes.length };
  });
}
