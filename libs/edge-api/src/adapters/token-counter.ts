import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { GatewayError } from '@switchboard/contracts';
import type { DialectId } from '@switchboard/protocol';
import type { CountReply, CountRequest } from './token-counter.worker';

/** More waiting counts than this are refused: the counter does about a million tokens a second and no more. */
const MAX_WAITING = 1000;

interface Waiting {
  resolve(tokens: number): void;
  reject(error: Error): void;
}

/** Counts tokens in a worker thread: 12 ms of CPU per 10,000 tokens would otherwise stand between a stream's chunks. */
export class TokenCounter {
  private worker: Worker | undefined;
  private readonly waiting = new Map<number, Waiting>();
  private nextId = 1;

  constructor(private readonly onCrash: (error: Error) => void) {}

  /** Loading the encoding takes a third of a second; done ahead, nobody waits for it. */
  warmUp(): void {
    this.worker ??= this.start();
  }

  /** Rejects with a GatewayError where the body is no request of the dialect or too many counts are waiting. */
  count(dialect: DialectId, body: Buffer): Promise<number> {
    if (this.waiting.size >= MAX_WAITING) {
      return Promise.reject(new GatewayError('internal', 'Too many token counts are waiting. Try again shortly.'));
    }
    this.worker ??= this.start();
    const request: CountRequest = { id: this.nextId++, dialect, body };
    const { worker } = this;
    return new Promise((resolve, reject) => {
      this.waiting.set(request.id, { resolve, reject });
      worker.postMessage(request);
    });
  }

  async close(): Promise<void> {
    const { worker } = this;
    this.worker = undefined;
    await worker?.terminate();
    this.rejectAll(new Error('the token counter was closed'));
  }

  private start(): Worker {
    const worker = new Worker(workerFile());
    worker.unref();
    worker.on('message', (reply: CountReply) => this.settle(reply));
    worker.on('error', (error: Error) => {
      if (this.worker === worker) this.worker = undefined;
      this.onCrash(error);
      this.rejectAll(error);
    });
    return worker;
  }

  private settle(reply: CountReply): void {
    const waiting = this.waiting.get(reply.id);
    this.waiting.delete(reply.id);
    if ('tokens' in reply) return waiting?.resolve(reply.tokens);
    const { fault, param } = reply;
    waiting?.reject(
      new GatewayError(
        param === undefined ? 'malformed_body' : 'invalid_parameter',
        fault,
        param === undefined ? {} : { param },
      ),
    );
  }

  private rejectAll(error: Error): void {
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}

/** A worker loads compiled code only; run from sources (tests), it is the built one that is started. */
function workerFile(): string {
  const folder = __filename.endsWith('.ts') ? path.join(__dirname, '../../dist/adapters') : __dirname;
  return path.join(folder, 'token-counter.worker.js');
}
