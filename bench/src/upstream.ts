import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { pathOf, type BenchDialect, type Delivery } from './wire/dialect';
import { HttpReader } from './wire/http-reader';
import { wireReply } from './wire/replies';

/** Between the writes of a stream of separate chunks: long enough that a proxy reads each on its own. */
const chunkSpacingMs = 2;

const notFound = Buffer.from('HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}');
const tooShort = Buffer.from(
  'HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}',
);

interface OpenStream {
  socket: Socket;
  writes: Buffer[];
  next: number;
}

/**
 * A provider that has every reply ready, on a raw socket: what it costs is not what is measured, but it shares a core
 * with the load and must keep ahead of the fastest proxy. It answers by path, in the delivery it was last told.
 */
export class CannedUpstream {
  served = 0;
  private delivery: Delivery = 'whole';
  private leastBodyBytes = 0;
  private readonly streams = new Set<OpenStream>();
  private readonly sockets = new Set<Socket>();
  private readonly server: Server = createServer({ noDelay: true }, (socket) => this.accept(socket));
  private ticker: NodeJS.Timeout | undefined;

  /** `replyDelayMs`: how long a reply takes to begin, as a model's does; 0: none, and no timer either. */
  constructor(private readonly replyDelayMs = 0) {}

  /** Resolves to the port, on 127.0.0.1. */
  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', 1024, resolve));
    this.ticker = setInterval(() => this.writeNextChunks(), chunkSpacingMs);
    return (this.server.address() as AddressInfo).port;
  }

  /** A request whose body is shorter than `leastBodyBytes` was not passed on whole, and gets a 400. */
  serve(delivery: Delivery, leastBodyBytes: number): void {
    this.delivery = delivery;
    this.leastBodyBytes = leastBodyBytes;
  }

  close(): void {
    clearInterval(this.ticker);
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }

  private accept(socket: Socket): void {
    this.sockets.add(socket);
    const reader = new HttpReader((startLine, bodyBytes) => this.answer(socket, startLine, bodyBytes));
    socket.on('data', (bytes: Buffer) => reader.push(bytes));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.sockets.delete(socket));
  }

  private answer(socket: Socket, startLine: string, bodyBytes: number): void {
    const path = startLine.split(' ', 2)[1];
    const dialect = (Object.keys(pathOf) as BenchDialect[]).find((candidate) => pathOf[candidate] === path);
    if (dialect === undefined) {
      socket.write(notFound);
      return;
    }
    if (bodyBytes < this.leastBodyBytes) {
      socket.write(tooShort);
      return;
    }
    this.served += 1;
    if (this.replyDelayMs === 0) this.reply(socket, dialect);
    else setTimeout(() => this.reply(socket, dialect), this.replyDelayMs);
  }

  private reply(socket: Socket, dialect: BenchDialect): void {
    const writes = cannedReply(dialect, this.delivery);
    if (this.delivery === 'separate') this.streams.add({ socket, writes, next: 0 });
    else for (const bytes of writes) socket.write(bytes);
  }

  private writeNextChunks(): void {
    for (const stream of this.streams) {
      const bytes = stream.writes[stream.next];
      stream.next += 1;
      if (bytes === undefined || stream.socket.destroyed) this.streams.delete(stream);
      else stream.socket.write(bytes);
    }
  }
}

const cache = new Map<string, Buffer[]>();

function cannedReply(dialect: BenchDialect, delivery: Delivery): Buffer[] {
  const key = `${dialect} ${delivery}`;
  let writes = cache.get(key);
  if (writes === undefined) {
    writes = wireReply(dialect, delivery);
    cache.set(key, writes);
  }
  return writes;
}
