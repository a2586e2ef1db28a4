import { setMaxListeners } from 'node:events';
import { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { CLIENT_DIALECTS, conversation, type ClientDialect } from '../e2e/conversation';
import { UPSTREAM_DIALECTS } from '../e2e/gateway-config';
import { open, readWhole } from '../e2e/http-exchange';
import type { Payer } from './payers';
import { Random } from './random';
import { verdictOf, type Outcome } from './reply-verdict';
import { MAX_TOKENS, REPLY_TEXT, SHAPES } from './shapes';
import { modelId } from './world';

export interface ChaosCall {
  payer: string;
  shape: string;
  dialect: ClientDialect;
  stream: boolean;
  /** Milliseconds since the epoch. */
  startedAtMs: number;
  endedAtMs: number;
  outcome: Outcome;
  /** 0 where no status line came. */
  status: number;
  /** The gateway's own; absent where no head of a reply came. */
  requestId?: string;
  detail: string;
}

export interface ChaosLoadOptions {
  url: string;
  payers: readonly Payer[];
  clients: number;
  seed: number;
}

/** Of five bytes, so that calls differ in what goes in. */
const PROMPT_WORDS_MOST = 80;
const PAUSE_MS = { least: 50, most: 500 };
/** After a refusal: so long as `retry-after` says at least, as clients do. */
const PAUSE_AFTER_REFUSAL_MS = 1_000;
/** Longer than any reply takes: a call that is still open then hangs. */
const CALL_LIMIT_MS = 30_000;

type Draw = Pick<ChaosCall, 'payer' | 'shape' | 'dialect' | 'stream'> & {
  key: string;
  model: string;
  text: string;
  leavesAfterMs: number | undefined;
};

/** Clients that call one after the other, without retries, every call drawn from the seed. */
export class ChaosLoad {
  readonly calls: ChaosCall[] = [];
  private readonly kept = new Agent({ keepAlive: true });
  private readonly stopping = new AbortController();
  private readonly running: Promise<unknown>;

  constructor(private readonly options: ChaosLoadOptions) {
    const { clients, seed } = options;
    setMaxListeners(clients, this.stopping.signal);
    this.running = Promise.all(
      Array.from({ length: clients }, (_, index) => this.client(index, new Random(seed + 7_919 * (index + 1)))),
    );
  }

  /** Ends it with the calls under way. @returns every call there was. */
  async stop(): Promise<readonly ChaosCall[]> {
    this.stopping.abort();
    await this.running;
    this.kept.destroy();
    return this.calls;
  }

  private async client(index: number, random: Random): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const call = await this.call(this.draw(index, random));
      this.calls.push(call);
      const pauseMs = random.between(PAUSE_MS.least, PAUSE_MS.most);
      const refusedMs = call.outcome === 'refused' ? PAUSE_AFTER_REFUSAL_MS : 0;
      await delay(pauseMs + refusedMs, undefined, { signal }).catch(() => undefined);
    }
  }

  private draw(index: number, random: Random): Draw {
    const { payers } = this.options;
    const { name, key } = payers[index % payers.length] as Payer;
    const shape = random.pickWeighted(SHAPES);
    const { least, most } = shape.leavesAfterMs ?? { least: 0, most: 0 };
    const upstream = random.pick(UPSTREAM_DIALECTS);
    const drawn = {
      dialect: random.pick(CLIENT_DIALECTS),
      stream: random.chance(0.5),
      leaves: random.chance(shape.leaving),
      leavesAfterMs: random.between(least, most),
      text: 'word '.repeat(random.between(1, PROMPT_WORDS_MOST)),
    };
    return {
      ...{ payer: name, key, shape: shape.name, model: modelId(name, shape.name, upstream) },
      dialect: drawn.dialect,
      text: drawn.text,
      stream: shape.stream ?? drawn.stream,
      leavesAfterMs: drawn.leaves ? drawn.leavesAfterMs : undefined,
    };
  }

  private async call({ key, model, text, leavesAfterMs, ...draw }: Draw): Promise<ChaosCall> {
    const startedAtMs = Date.now();
    const { dialect, stream } = draw;
    const leaving = leavesAfterMs !== undefined;
    const signal = AbortSignal.timeout(leavesAfterMs ?? CALL_LIMIT_MS);
    let head: { status: number; requestId?: string } = { status: 0 };
    const told = (outcome: Outcome, detail: string): ChaosCall => {
      return { ...draw, ...head, outcome, detail, startedAtMs, endedAtMs: Date.now() };
    };
    try {
      const request = conversation(dialect, { model, key, text, stream, extra: { max_tokens: MAX_TOKENS } });
      const response = await open(this.options.url, { ...request, signal, agent: this.kept });
      const requestId = response.headers['x-callmissed-request-id'];
      head = { status: response.statusCode ?? 0, ...(requestId !== undefined && { requestId: String(requestId) }) };
      const reply = await readWhole(response);
      const { outcome, detail } = verdictOf(dialect, reply, stream, REPLY_TEXT);
      return outcome === 'broken' && signal.aborted
        ? told(leaving ? 'left' : 'broken', leftDetail(leaving))
        : told(outcome, detail);
    } catch (error) {
      if (signal.aborted) return told(leaving ? 'left' : 'broken', leftDetail(leaving));
      return told('broken', `no reply: ${(error as Error).message}`);
    }
  }
}

function leftDetail(leaving: boolean): string {
  return leaving ? '' : `it hung: not over after ${CALL_LIMIT_MS} ms`;
}
