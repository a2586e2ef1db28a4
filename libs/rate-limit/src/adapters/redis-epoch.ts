import type { Redis } from 'ioredis';
import { UntriedError } from '../core/untried-error';

/**
 * Which life of the server we talk to. It begins anew with every start and every other server: what was written before
 * may be missing from then on, the last second of an append-only file say.
 */
export class RedisEpoch {
  private runId: string | undefined;
  private readonly listeners = new Set<() => void>();

  constructor(private readonly redis: Redis) {
    redis.on('close', () => (this.runId = undefined));
    redis.on('ready', () => void this.read());
    if (redis.status === 'ready') void this.read();
  }

  /** @throws UntriedError while there is no connection. */
  readonly current = (): string => {
    if (this.runId === undefined) throw new UntriedError('not connected to redis');
    return this.runId;
  };

  /** Called with every connection from now on, once its server is known. */
  onConnected(listener: () => void): void {
    this.listeners.add(listener);
    if (this.runId !== undefined) listener();
  }

  private async read(): Promise<void> {
    try {
      const info = await this.redis.info('server');
      this.runId = /^run_id:(\w+)/m.exec(info)?.[1] ?? 'unknown';
    } catch {
      // The connection broke, or hangs: the client makes another, and 'ready' comes again.
      if (this.redis.status === 'ready') this.redis.disconnect(true);
      return;
    }
    for (const listener of this.listeners) listener();
  }
}
