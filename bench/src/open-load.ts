import { connect, type Socket } from 'node:net';
import { answerWithinMs, differenceOf, type Exchange } from './load';
import { nowMs } from './now';
import { leadMs, tick } from './ticker';
import { HttpReader } from './wire/http-reader';

/** More than that under way, or than are sent in so many seconds, and the subject is not slow but stuck. */
const underWayMost = 2_000;

export interface OpenLoadOptions {
  port: number;
  /** Sent in turn. */
  exchanges: readonly Exchange[];
  /** Evenly spaced. */
  perSecond: number;
  /** Whether 429 is an answer too. */
  mayBeRefused?: boolean;
  /** How many seconds' worth of requests may be under way at once; absent: one. */
  waitingSeconds?: number;
}

export interface OpenRun {
  /** Of replies with 200, in the order they came. */
  latenciesMs: number[];
  /** Until the body of those replies began. */
  beginningsMs: number[];
  /** Which of the exchanges each of those replies belongs to. */
  exchanges: number[];
  /** How many 429 there were. */
  refused: number;
  /** By how much each request was sent too late: what of the latencies is the load's own doing. */
  latenessMs: number[];
}

interface Connection {
  socket: Socket;
  /** When the request that is under way was due; undefined: none is. */
  dueMs: number | undefined;
  /** When the body of its reply began; undefined: it has not. */
  begunMs: number | undefined;
  /** Number of the exchange that is under way. */
  exchange: number;
}

/**
 * An open loop: requests leave when they are due, whether or not the ones before were answered, each on a connection that
 * has none under way. Latency counts from when a request was due, so that a subject that stalls is charged for all who
 * would have come meanwhile.
 */
export class OpenLoad {
  private readonly connections = new Set<Connection>();
  private readonly idle: Connection[] = [];
  private result = emptyRun();
  private onFailure: (error: Error) => void = () => undefined;
  private onIdle: () => void = () => undefined;

  constructor(private readonly options: OpenLoadOptions) {}

  /** Resolves when all that was sent within `durationMs` is answered. Rejects on a reply that is none of those expected. */
  async run(durationMs: number): Promise<OpenRun> {
    const { perSecond } = this.options;
    this.result = emptyRun();
    const schedule = {
      startMs: nowMs() + leadMs,
      spacingMs: 1000 / perSecond,
      count: Math.max(1, Math.round((durationMs * perSecond) / 1000)),
    };
    const failed = new Promise<never>((_resolve, reject) => (this.onFailure = reject));
    const ticker = tick(schedule, (index) => this.send(index, schedule.startMs + index * schedule.spacingMs));
    try {
      await Promise.race([failed, ticker.done]);
      await Promise.race([failed, this.untilIdle()]);
      return this.result;
    } finally {
      ticker.stop();
      this.close();
    }
  }

  private get underWay(): number {
    return this.connections.size - this.idle.length;
  }

  private async untilIdle(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve, reject) => {
      this.onIdle = resolve;
      timer = setTimeout(() => reject(new Error(`${this.underWay} replies never came`)), answerWithinMs);
      if (this.underWay === 0) resolve();
    });
    clearTimeout(timer);
    this.onIdle = () => undefined;
  }

  private close(): void {
    for (const { socket } of this.connections) socket.removeAllListeners('close').destroy();
    this.connections.clear();
    this.idle.length = 0;
  }

  private send(index: number, dueMs: number): void {
    const { perSecond, waitingSeconds = 1 } = this.options;
    if (this.underWay >= Math.max(underWayMost, perSecond * waitingSeconds)) {
      return this.onFailure(new Error(`${this.underWay} calls are under way`));
    }
    const connection = this.idle.pop() ?? this.open();
    const { exchanges } = this.options;
    connection.dueMs = dueMs;
    connection.begunMs = undefined;
    connection.exchange = index % exchanges.length;
    this.result.latenessMs.push(nowMs() - dueMs);
    connection.socket.write(exchanges[connection.exchange]?.request ?? '');
  }

  private open(): Connection {
    const socket = connect({ port: this.options.port, host: '127.0.0.1', noDelay: true });
    const connection: Connection = { socket, dueMs: undefined, begunMs: undefined, exchange: 0 };
    const reader = new HttpReader((startLine, bodyBytes) => this.receive(connection, startLine, bodyBytes));
    reader.watchBodies(() => (connection.begunMs ??= nowMs()));
    socket.on('data', (bytes: Buffer) => reader.push(bytes));
    socket.on('error', (error) => this.onFailure(error));
    socket.on('close', () => this.forget(connection));
    this.connections.add(connection);
    return connection;
  }

  /** A server may close a connection that nothing is under way on. */
  private forget(connection: Connection): void {
    if (connection.dueMs !== undefined) this.onFailure(new Error('the subject closed a connection before its reply'));
    this.connections.delete(connection);
    const index = this.idle.indexOf(connection);
    if (index !== -1) this.idle.splice(index, 1);
  }

  private receive(connection: Connection, startLine: string, bodyBytes: number): void {
    const endedMs = nowMs();
    const { dueMs = Number.NaN, begunMs = endedMs, exchange } = connection;
    connection.dueMs = undefined;
    this.idle.push(connection);
    const { exchanges, mayBeRefused = false } = this.options;
    const expected = exchanges[exchange]?.expected;
    const difference = expected === undefined ? 'it was not asked for' : differenceOf(expected, startLine, bodyBytes);
    if (difference === undefined) this.note(exchange, begunMs - dueMs, endedMs - dueMs);
    else if (mayBeRefused && startLine.startsWith('HTTP/1.1 429')) this.result.refused += 1;
    else this.onFailure(new Error(`a reply at ${this.options.perSecond} requests/s: ${difference}`));
    if (this.underWay === 0) this.onIdle();
  }

  private note(exchange: number, beginningMs: number, latencyMs: number): void {
    this.result.exchanges.push(exchange);
    this.result.beginningsMs.push(beginningMs);
    this.result.latenciesMs.push(latencyMs);
  }
}

function emptyRun(): OpenRun {
  return { latenciesMs: [], beginningsMs: [], exchanges: [], refused: 0, latenessMs: [] };
}
