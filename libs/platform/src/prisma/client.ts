import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from './generated/client';

export { Prisma, PrismaClient } from './generated/client';

/** A client of the tables of `prisma/schema.prisma`. Connects when first used; the caller disconnects it. */
export function createPrismaClient(url: string): PrismaClient {
  return new PrismaClient({
    adapter: new PrismaPg({ connectionString: url, max: 4, connectionTimeoutMillis: 5_000, query_timeout: 30_000 }),
  });
}
