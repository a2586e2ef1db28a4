import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { CLIENT_DIALECTS, conversation, looksComplete, type ClientDialect } from './conversation';
import { UPSTREAM_DIALECTS } from './gateway-config';
import { send, type Call } from './http-exchange';

/** How a client holds its connections: the SDKs' `fetch`, a pool that keeps some, a new one for every request. */
export type Connecting = 'fetch' | 'kept' | 'new';

const CONNECTING: readonly Connecting[] = ['fetch', 'kept', 'new'];

export interface ShortCall {
  connecting: Connecting;
  path: string;
  /** 0 where no reply came. */
  status: number;
  /** The reply came whole. */
  whole: boolean;
  requestId: string;
  durationMs: number;
  /** What went wrong, told by the connection. */
  fault?: string;
}

/**
 * A kill may meet so many whole replies before their record: what ended in one turn of the event loop is recorded at its end,
 * and on a busy machine a turn brings several. At 200 calls a second, records kept back for 100 ms would be 20.
 */
export const CALLS_OF_A_TURN_MOST = 8;

export interface ShortCallsOptions {
  url: string;
  keys: readonly string[];
  model: (upstream: string) => string;
  intervalMs: number;
}

interface Answer {
  status: number;
  whole: boolean;
  requestId: string;
}

/** Short calls at a steady rate, however long one takes, none ever tried again. */
export class ShortCalls {
  private readonly calls: Promise<ShortCall>[] = [];
  private readonly agent = new Agent({ keepAlive: true });
  private readonly running: Promise<void>;
  private stopped = false;

  constructor(private readonly options: ShortCallsOptions) {
    this.running = this.run();
  }

  /** Every call that was made, each one over. */
  async stop(): Promise<ShortCall[]> {
    this.stopped = true;
    await this.running;
    const calls = await Promise.all(this.calls);
    this.agent.destroy();
    return calls;
  }

  private async run(): Promise<void> {
    const { keys, model, intervalMs } = this.options;
    for (let index = 0; !this.stopped; index++) {
      const dialect = CLIENT_DIALECTS[index % 2] ?? 'chat';
      const upstream = UPSTREAM_DIALECTS[(index >> 1) % 2] ?? 'chat';
      const key = keys[(index >> 2) % keys.length] ?? '';
      const stream = (index >> 3) % 2 === 0;
      const call = conversation(dialect, { model: model(upstream), key, text: `call ${index}`, stream });
      this.calls.push(this.make(CONNECTING[index % 3] ?? 'new', call, { dialect, stream }));
      await delay(intervalMs);
    }
  }

  private async make(
    connecting: Connecting,
    call: Call,
    kind: { dialect: ClientDialect; stream: boolean },
  ): Promise<ShortCall> {
    const startedMs = performance.now();
    const told = (answer: Answer, fault?: string): ShortCall => ({
      ...{ connecting, path: call.path, ...answer, durationMs: performance.now() - startedMs },
      ...(fault !== undefined && { fault }),
    });
    try {
      const answer = connecting === 'fetch' ? await this.fetched(call, kind) : await this.sent(connecting, call, kind);
      return told(answer);
    } catch (error) {
      const { message, cause } = error as Error;
      return told(
        { status: 0, whole: false, requestId: '' },
        cause instanceof Error ? `${message}: ${cause.message}` : message,
      );
    }
  }

  private async fetched(call: Call, kind: { dialect: ClientDialect; stream: boolean }): Promise<Answer> {
    const { method = 'POST', headers = {}, body = '' } = call;
    const reply = await fetch(`${this.options.url}${call.path}`, { method, headers, body: String(body) });
    const whole = isWhole(kind, await reply.text());
    return { status: reply.status, whole, requestId: reply.headers.get('x-callmissed-request-id') ?? '' };
  }

  private async sent(
    connecting: Connecting,
    call: Call,
    kind: { dialect: ClientDialect; stream: boolean },
  ): Promise<Answer> {
    const { agent } = this;
    const reply = await send(this.options.url, connecting === 'kept' ? { ...call, agent } : call);
    const whole = reply.complete && isWhole(kind, reply.text);
    return { status: reply.status, whole, requestId: String(reply.headers['x-callmissed-request-id']) };
  }
}

function isWhole({ dialect, stream }: { dialect: ClientDialect; stream: boolean }, text: string): boolean {
  if (stream) return looksComplete(dialect, text);
  const body = JSON.parse(text) as { type?: string; object?: string };
  return dialect === 'anthropic' ? body.type === 'message' : body.object === 'chat.completion';
}
