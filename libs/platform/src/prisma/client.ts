import { PrismaPg } from '@prisma/adapter-pg';
import type { Logger } from '../logging/logger';
import { createPool } from '../postgres/pool';
import { PrismaClient } from './generated/client';

export { Prisma, PrismaClient } from './generated/client';

/** A client of the tables of `prisma/schema.prisma`. Connects when first used; the caller disconnects it. */
export function createPrismaClient(url: string, log: Logger): PrismaClient {
  return new PrismaClient({ adapter: new PrismaPg(createPool({ url, log }), { disposeExternalPool: true }) });
}
