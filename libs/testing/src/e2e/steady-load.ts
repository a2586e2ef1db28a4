import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { CLIENT_DIALECTS, conversation, errorIn, looksComplete, type ClientDialect } from './conversation';
import { UPSTREAM_DIALECTS } from './gateway-config';
import { send, type RawReply } from './http-exchange';

/** What bounds the key a client calls with. */
export type Group = 'unbounded' | 'limited' | 'key-budget' | 'tenant-budget';

export const GROUPS: readonly Group[] = ['unbounded', 'limited', 'key-budget', 'tenant-budget'];

/** The key of a group, and what stands in gateway.yaml about it. */
export const keyOf = (group: Group): string => `cm_test_load-${group}`;

/** `whole`: a complete reply; `refused`: an error of the client's dialect; `broken`: anything else. */
export interface LoadCall {
  /** As the ledger shows it. */
  clientRequestId: string;
  group: Group;
  dialect: ClientDialect;
  /** Of performance.now(). */
  startedAtMs: number;
  endedAtMs: number;
  outcome: 'whole' | 'refused' | 'broken';
  status: number;
  errorCode: string;
  retryAfter: string | undefined;
  /** What went wrong, for whoever reads the failure. */
  detail: string;
}

const CLIENTS = 40;
const PAUSE_MS = 250;

/**
 * Forty clients that call one after the other, without retries: every group of keys, both client dialects over both
 * upstream dialects, streams and whole bodies, connections kept and new ones.
 */
export class SteadyLoad {
  readonly calls: LoadCall[] = [];
  private readonly kept = new Agent({ keepAlive: true });
  private readonly running: Promise<unknown>;
  private stopped = false;

  constructor(
    private readonly url: string,
    private readonly name: string,
  ) {
    this.running = Promise.all(Array.from({ length: CLIENTS }, (_, index) => this.client(index)));
  }

  /** Ends it with the calls under way. @returns every call there was. */
  async stop(): Promise<LoadCall[]> {
    this.stopped = true;
    await this.running;
    this.kept.destroy();
    return this.calls;
  }

  private async client(index: number): Promise<void> {
    const group = turnOf(GROUPS, index);
    await delay((index * PAUSE_MS) / CLIENTS);
    for (let turn = index; !this.stopped; turn++) {
      this.calls.push(await this.call(group, index, turn));
      await delay(PAUSE_MS);
    }
  }

  private async call(group: Group, index: number, turn: number): Promise<LoadCall> {
    const dialect = turnOf(CLIENT_DIALECTS, turn);
    const upstream = turnOf(UPSTREAM_DIALECTS, turn >> 1);
    const stream = ((turn >> 2) + index) % 2 === 0;
    const clientRequestId = `${this.name}-${index}-${turn}`;
    const startedAtMs = performance.now();
    const told = (more: Pick<LoadCall, 'outcome' | 'status' | 'errorCode' | 'retryAfter' | 'detail'>): LoadCall => ({
      ...{ clientRequestId, group, dialect, startedAtMs, endedAtMs: performance.now() },
      ...more,
    });
    try {
      const ask = {
        model: `load/${upstream}`,
        key: keyOf(group),
        stream,
        headers: { 'x-request-id': clientRequestId },
      };
      const reply = await send(this.url, {
        ...conversation(dialect, ask),
        ...(index % 8 < 4 && { agent: this.kept }),
      });
      return told(judged(dialect, reply, stream));
    } catch (error) {
      const detail = `no reply: ${(error as Error).message}`;
      return told({ outcome: 'broken', status: 0, errorCode: '', retryAfter: undefined, detail });
    }
  }
}

function turnOf<T>(choices: readonly T[], turn: number): T {
  return choices[turn % choices.length] as T;
}

function judged(dialect: ClientDialect, reply: RawReply, stream: boolean) {
  const told = { status: reply.status, errorCode: '', retryAfter: reply.headers['retry-after'], detail: '' };
  if (reply.status === 200) {
    const isWhole = reply.complete && (stream ? looksComplete(dialect, reply.text) : isReply(reply.text));
    return isWhole ? { ...told, outcome: 'whole' as const } : broken(told, reply);
  }
  try {
    const { code, message } = errorIn(dialect, reply.text);
    return { ...told, outcome: 'refused' as const, errorCode: code ?? '', detail: message };
  } catch {
    return broken(told, reply);
  }
}

function broken<T extends object>(told: T, { status, text, complete }: RawReply) {
  return { ...told, outcome: 'broken' as const, detail: `${status}, complete: ${complete}: ${text.slice(-300)}` };
}

function isReply(text: string): boolean {
  const body = JSON.parse(text) as { content?: unknown[]; choices?: unknown[] };
  return (body.content ?? body.choices ?? []).length > 0;
}
