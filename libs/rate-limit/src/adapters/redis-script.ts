import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';

/** A script as Redis keeps it: sent whole only to a server that does not have it (yet, or since its restart). */
export class RedisScript {
  private readonly sha1: string;

  constructor(
    private readonly redis: Redis,
    private readonly source: string,
  ) {
    this.sha1 = createHash('sha1').update(source).digest('hex');
  }

  async run(keys: string[], args: (string | number)[]): Promise<unknown> {
    try {
      return await this.redis.evalsha(this.sha1, keys.length, ...keys, ...args);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return this.redis.eval(this.source, keys.length, ...keys, ...args);
    }
  }
}
