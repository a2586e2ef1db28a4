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

/** `as asked`: a request for a stream gets one in few reads, any other its whole reply. */
export type ServedDelivery = Delivery | 'as asked';

/** Of a body: `stream` is among the first members. */
const askedWithinBytes = 512;
const streamAsked = '"stream":true';

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
  private delivery: ServedDelivery = 'whole';
  private leastBodyBytes = 0;
  private readonly streams = new Set<OpenStream>();
  private readonly sockets = new Map<Socket, HttpReader>();
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
  serve(delivery: ServedDelivery, leastBodyBytes: number): void {
    this.delivery = delivery;
    for (const reader of this.sockets.values()) this.listenFor(delivery, reader);
    this.leastBodyBytes = leastBodyBytes;
  }

  close(): void {
    clearInterval(this.ticker);
    for (const socket of this.sockets.keys()) socket.destroy();
    this.server.close();
  }

  private accept(socket: Socket): void {
    const reader = new HttpReader((startLine, bodyBytes, body) => this.answer(socket, startLine, bodyBytes, body));
    this.sockets.set(socket, reader);
    this.listenFor(this.delivery, reader);
    socket.on('data', (bytes: Buffer) => reader.push(bytes));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.sockets.delete(socket));
  }

  private listenFor(delivery: ServedDelivery, reader: HttpReader): void {
    if (delivery === 'as asked') reader.keepBodies(askedWithinBytes);
  }

  private answer(socket: Socket, startLine: string, bodyBytes: number, body: Buffer | undefined): void {
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
    const delivery = this.delivery === 'as asked' ? askedOf(body) : this.delivery;
    if (this.replyDelayMs === 0) this.reply(socket, dialect, delivery);
    else setTimeout(() => this.reply(socket, dialect, delivery), this.replyDelayMs);
  }

  protected reply(socket: Socket, dialect: BenchDialect, delivery: Delivery): void {
    const writes = cannedReply(dialect, delivery);
    if (delivery === 'separate') this.streams.add({ socket, writes, next: 0 });
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

function askedOf(body: Buffer | undefined): Delivery {
  return body !== undefined && body.subarray(0, askedWithinBytes).includes(streamAsked) ? 'batched' : 'whole';
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
