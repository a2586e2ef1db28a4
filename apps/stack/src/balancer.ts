import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

/** Where a connection may be passed on to, on 127.0.0.1. */
export interface BalancerTarget {
  readonly port: number;
  /** One that is not ready gets connections only where none is, and it takes them. */
  readonly ready: boolean;
  /** Gets no new connection; those it has stay to their end. */
  readonly draining: boolean;
}

export interface BalancerOptions {
  /** Asked at every connection. */
  targets: () => readonly BalancerTarget[];
  /** How long a connection is held while nobody takes it. Default 10 s. */
  waitMs?: number;
}

const RETRY_MS = 50;

/**
 * Passes TCP connections on, in turn, byte for byte: each side's end and each side's reset reach the other, a slow reader
 * slows the writer, and nothing is ever timed out, for a stream may last an hour.
 */
export class Balancer {
  private readonly server: Server;
  private readonly open = new Set<Socket>();
  private readonly closing = new AbortController();
  private turn = 0;

  constructor(private readonly options: BalancerOptions) {
    // Paused: nothing is read before there is somebody to pass it on to.
    this.server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (client) => {
      void this.accept(client);
    });
  }

  /** @returns the port. @throws when it is taken. */
  async listen(port: number, host: string): Promise<number> {
    this.server.listen({ port, host, backlog: 4096 });
    await once(this.server, 'listening');
    return (this.server.address() as AddressInfo).port;
  }

  get connections(): number {
    return this.open.size;
  }

  /** No new connections; open ones go on. */
  refuse(): void {
    this.closing.abort();
    if (this.server.listening) this.server.close();
  }

  /** Breaks what is open. */
  async close(): Promise<void> {
    const closed = this.server.listening ? once(this.server, 'close') : undefined;
    this.refuse();
    for (const socket of this.open) socket.resetAndDestroy();
    await closed;
  }

  private async accept(client: Socket): Promise<void> {
    this.open.add(client);
    client.once('close', () => this.open.delete(client));
    // Until it is joined to the other side: a client that leaves while it waits.
    const left = (): void => void client.destroy();
    client.on('error', left);
    const upstream = await this.reach(client);
    if (upstream === undefined) {
      client.resetAndDestroy();
      return;
    }
    client.off('error', left);
    join(client, upstream);
  }

  private async reach(client: Socket): Promise<Socket | undefined> {
    const deadline = performance.now() + (this.options.waitMs ?? 10_000);
    for (;;) {
      for (const { port } of this.candidates()) {
        if (client.destroyed) return undefined;
        const upstream = await dial(port);
        if (client.destroyed) upstream?.destroy();
        else if (upstream !== undefined) return upstream;
      }
      if (client.destroyed || this.closing.signal.aborted || performance.now() > deadline) return undefined;
      await delay(RETRY_MS);
    }
  }

  /** Those that are ready, starting with the one whose turn it is; then, for want of better, the others. */
  private candidates(): BalancerTarget[] {
    const open = this.options.targets().filter(({ draining }) => !draining);
    const ready = open.filter((target) => target.ready);
    const first = this.turn++ % Math.max(ready.length, 1);
    return [...ready.slice(first), ...ready.slice(0, first), ...open.filter((target) => !target.ready)];
  }
}

/** Undefined when nobody takes the connection. */
function dial(port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    const refused = (): void => resolve(undefined);
    socket.once('error', refused);
    socket.once('connect', () => {
      socket.off('error', refused);
      resolve(socket);
    });
  });
}

/** Ties two connections together: bytes, ends and breaks of one become those of the other. */
function join(client: Socket, upstream: Socket): void {
  for (const [from, to] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    // A side that broke off, rather than ended, must not look as if it had ended.
    from.on('error', () => to.resetAndDestroy());
    from.on('close', () => {
      if (!from.readableEnded) to.resetAndDestroy();
    });
    from.pipe(to);
  }
}
