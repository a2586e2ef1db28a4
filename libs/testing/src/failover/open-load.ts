import { once } from 'node:events';
import { Agent, type IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { Random } from '../chaos/random';
import { verdictOf, type Verdict } from '../chaos/reply-verdict';
import { MAX_TOKENS, REPLY_TEXT } from '../chaos/shapes';
import { conversation, type ClientDialect } from '../e2e/conversation';
import { open, type RawReply } from '../e2e/http-exchange';
import type { ClientCall } from './evaluate';
import { percentile } from './moves';

export interface ClientOptions {
  url: string;
  model: string;
  key: string;
  /** Draws who streams, and who speaks what. */
  seed: number;
}

const STREAMS = 0.8;
/** Of the clients; the others speak what the upstreams speak. */
const CHAT = 0.2;
/** Longer than any fault lasts: a call that is still open then hangs. */
const CALL_LIMIT_MS = 30_000;
/** What two upstreams that hang hold up is half of it. */
const UNDER_WAY_MOST = 3_000;
const STUCK = `${UNDER_WAY_MOST} calls are under way: the machine is too slow for this rate, or the gateway is stuck`;
const ERROR_BODY_MOST = 500;
const KNOWN_REPLIES_MOST = 50;

interface Timed {
  reply: RawReply;
  firstByteAtMs: number | undefined;
}

/** Calls of clients that come one after the other or all at once, drawn from the seed. No client tries again. */
export class Clients {
  // In turn, so that the connections to every edge are used alike.
  private readonly kept = new Agent({ keepAlive: true, scheduling: 'fifo' });
  private readonly random: Random;
  /** Of whole replies, by their text: most are the same to the byte, and reading every one took a quarter of the load's time. */
  private readonly known = new Map<string, Verdict>();

  constructor(private readonly options: ClientOptions) {
    this.random = new Random(options.seed);
  }

  /** Timed from `dueMs`. */
  async call(dueMs: number): Promise<ClientCall> {
    const stream = this.random.chance(STREAMS);
    const dialect: ClientDialect = this.random.chance(CHAT) ? 'chat' : 'anthropic';
    const { url, model, key } = this.options;
    const request = conversation(dialect, { model, key, stream, extra: { max_tokens: MAX_TOKENS } });
    const signal = AbortSignal.timeout(CALL_LIMIT_MS);
    try {
      const response = await open(url, { ...request, signal, agent: this.kept });
      const { reply, firstByteAtMs } = await readTimed(response);
      const { outcome, detail } = this.verdictOf(dialect, reply, stream);
      return {
        ...{ dueMs, endedAfterMs: performance.now() - dueMs, status: reply.status, outcome, detail },
        ...(firstByteAtMs !== undefined && { firstByteAfterMs: firstByteAtMs - dueMs }),
        ...servedBy(response),
        ...(outcome === 'refused' && { errorBody: reply.text.slice(0, ERROR_BODY_MOST) }),
      };
    } catch (error) {
      const detail = signal.aborted ? `no reply within ${CALL_LIMIT_MS} ms` : `no reply: ${(error as Error).message}`;
      return { dueMs, endedAfterMs: performance.now() - dueMs, status: 0, outcome: 'broken', detail };
    }
  }

  /** So many of them, each with its next call when it has the reply to the last: what is compiled once, is compiled then. */
  async warmUp(clients: number, durationMs: number, signal: AbortSignal): Promise<void> {
    const endMs = performance.now() + durationMs;
    const client = async (): Promise<void> => {
      while (!signal.aborted && performance.now() < endMs) await this.call(performance.now());
    };
    await Promise.all(Array.from({ length: clients }, client));
  }

  /** Calls under way break. */
  close(): void {
    this.kept.destroy();
  }

  private verdictOf(dialect: ClientDialect, reply: RawReply, stream: boolean): Verdict {
    const verdict = reply.complete ? this.known.get(reply.text) : undefined;
    if (verdict !== undefined && reply.status === 200) return verdict;
    const read = verdictOf(dialect, reply, stream, REPLY_TEXT);
    if (read.outcome === 'whole' && this.known.size < KNOWN_REPLIES_MOST) this.known.set(reply.text, read);
    return read;
  }
}

/**
 * An open loop: requests leave when they are due, whether or not those before were answered, and are timed from then on.
 */
export class OpenLoad {
  /** Aborted where it cannot go on, with the reason. */
  readonly stuck = new AbortController();
  private readonly calls: ClientCall[] = [];
  private readonly latenessMs: number[] = [];
  private readonly underWay = new Set<Promise<unknown>>();
  private readonly running: Promise<void>;
  private stopped = false;

  /** `perSecond`: evenly spaced. */
  constructor(
    private readonly clients: Clients,
    private readonly perSecond: number,
  ) {
    this.running = this.run();
  }

  /** By how much requests left too late, 99 of 100: what of the latencies is the load's own doing. */
  get latenessP99Ms(): number {
    return percentile(this.latenessMs, 0.99) ?? 0;
  }

  /** Ends it with the calls under way. @returns every call there was. */
  async stop(): Promise<readonly ClientCall[]> {
    this.stopped = true;
    await this.running;
    await Promise.all(this.underWay);
    return this.calls;
  }

  private async run(): Promise<void> {
    const startMs = performance.now();
    const spacingMs = 1_000 / this.perSecond;
    for (let index = 0; !this.stopped; index++) {
      const dueMs = startMs + index * spacingMs;
      while (performance.now() < dueMs) await delay(1);
      if (this.underWay.size >= UNDER_WAY_MOST) return this.stuck.abort(new Error(STUCK));
      this.latenessMs.push(performance.now() - dueMs);
      const call = this.clients.call(dueMs).then((ended) => this.calls.push(ended));
      this.underWay.add(call);
      void call.finally(() => this.underWay.delete(call));
    }
  }
}

function servedBy({ headers }: IncomingMessage): Pick<ClientCall, 'upstream' | 'attempts'> {
  const { 'x-callmissed-upstream': upstream, 'x-callmissed-attempts': attempts } = headers;
  return {
    ...(upstream !== undefined && { upstream: String(upstream) }),
    ...(attempts !== undefined && { attempts: Number(attempts) }),
  };
}

async function readTimed(response: IncomingMessage): Promise<Timed> {
  const chunks: Buffer[] = [];
  let firstByteAtMs: number | undefined;
  response.on('data', (chunk: Buffer) => {
    firstByteAtMs ??= performance.now();
    chunks.push(chunk);
  });
  // What broke the body is told by `complete`.
  response.on('error', () => undefined);
  await once(response, 'close').catch(() => undefined);
  const body = Buffer.concat(chunks);
  const { statusCode: status = 0, headers, complete } = response;
  return { reply: { status, headers, body, text: body.toString('utf8'), complete }, firstByteAtMs };
}
