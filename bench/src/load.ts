import { connect, type Socket } from 'node:net';
import { HttpReader } from './wire/http-reader';

/** The first reply of a subject is looked at in full; those after it must be alike. */
export interface ExpectedReply {
  status: 200;
  /** Ids and timestamps vary by a few bytes between replies; absent: it may have any length. */
  bodyBytes?: number;
}

/** A whole HTTP request, and what is to come of it. */
export interface Exchange {
  request: Buffer;
  expected: ExpectedReply;
}

const slackBytes = 64;
/** More would overflow a server's backlog, and wait for seconds to be tried again. */
const openedAtOnce = 100;
const openingPauseMs = 20;
export const answerWithinMs = 20_000;

/** How a reply differs from what was expected, in words; undefined: it does not. */
export function differenceOf(expected: ExpectedReply, startLine: string, bodyBytes: number): string | undefined {
  if (!startLine.startsWith(`HTTP/1.1 ${expected.status}`)) return startLine;
  const { bodyBytes: expectedBytes = bodyBytes } = expected;
  if (Math.abs(bodyBytes - expectedBytes) <= slackBytes) return undefined;
  return `${bodyBytes} bytes where the first had ${expectedBytes}`;
}

/** Sends one request and resolves to the whole body of the reply. Rejects on a status other than 200, or no reply. */
export function probe(port: number, request: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const reader = new HttpReader((startLine, _bodyBytes, body = Buffer.alloc(0)) => {
      socket.destroy();
      if (startLine.split(' ', 2)[1] === '200') resolve(body.toString());
      else reject(new Error(`${startLine}: ${body.toString().slice(0, 500)}`));
    });
    reader.keepBodies();
    socket.setTimeout(answerWithinMs, () => socket.destroy(new Error(`no answer within ${answerWithinMs} ms`)));
    socket.on('data', (bytes: Buffer) => reader.push(bytes));
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the connection closed before the reply was whole')));
    socket.write(request);
  });
}

/**
 * A closed loop: `concurrency` keep-alive connections, each sending its next request when it has the reply to the last.
 * Every reply is checked, so that a proxy that drops, cuts or refuses does not look quick.
 */
export class Load {
  private readonly sockets = new Set<Socket>();
  private readonly waiting = new Map<Socket, Exchange>();
  private sent = 0;
  private completed = 0;
  private sending = false;
  private onIdle: (() => void) | undefined;
  private onFailure: (error: Error) => void = () => undefined;

  constructor(
    private readonly port: number,
    /** Sent in turn. */
    private readonly exchanges: readonly Exchange[],
    private readonly concurrency: number,
    /** Asked for each connection; what it gives is shown the bodies of that connection as they come. */
    private readonly watch?: () => (piece: Buffer) => void,
  ) {}

  /** Sends for `durationMs`, waits for the last replies, and resolves to the number of replies. */
  async run(durationMs: number): Promise<number> {
    this.completed = 0;
    this.sending = true;
    const failed = new Promise<never>((_resolve, reject) => {
      this.onFailure = reject;
    });
    for (let count = 1; count <= this.concurrency; count += 1) {
      this.send(this.open());
      if (count % openedAtOnce === 0) await Promise.race([failed, delay(openingPauseMs)]);
    }
    await Promise.race([failed, delay(durationMs)]);
    this.sending = false;
    const idle = new Promise<void>((resolve) => {
      this.onIdle = resolve;
      if (this.waiting.size === 0) resolve();
    });
    const late = delay(answerWithinMs).then(() => Promise.reject(new Error(`${this.waiting.size} replies never came`)));
    await Promise.race([failed, idle, late]);
    // How a connection's buffers grew decides how a large body is cut into reads, by tens of per cent, for as long as the
    // connection lives: every round draws anew.
    this.close();
    return this.completed;
  }

  close(): void {
    for (const socket of this.sockets) socket.removeAllListeners('close').destroy();
    this.sockets.clear();
    this.waiting.clear();
  }

  private open(): Socket {
    const socket = connect({ port: this.port, host: '127.0.0.1', noDelay: true });
    const reader = new HttpReader((startLine, bodyBytes) => this.receive(socket, startLine, bodyBytes));
    if (this.watch !== undefined) reader.watchBodies(this.watch());
    socket.on('data', (bytes: Buffer) => reader.push(bytes));
    socket.on('error', (error) => this.onFailure(error));
    socket.on('close', () => {
      if (this.waiting.has(socket)) this.onFailure(new Error('the subject closed a connection before its reply'));
    });
    this.sockets.add(socket);
    return socket;
  }

  private send(socket: Socket): void {
    const exchange = this.exchanges[this.sent % this.exchanges.length];
    if (exchange === undefined) throw new RangeError('there is nothing to send');
    this.sent += 1;
    this.waiting.set(socket, exchange);
    socket.write(exchange.request);
  }

  private receive(socket: Socket, startLine: string, bodyBytes: number): void {
    const exchange = this.waiting.get(socket);
    this.waiting.delete(socket);
    const difference =
      exchange === undefined ? 'it was not asked for' : differenceOf(exchange.expected, startLine, bodyBytes);
    if (difference !== undefined) this.onFailure(new Error(`reply ${this.completed + 1}: ${difference}`));
    this.completed += 1;
    if (this.sending) this.send(socket);
    else if (this.waiting.size === 0) this.onIdle?.();
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
