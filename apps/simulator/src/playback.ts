import type { ServerResponse } from 'node:http';
import { rechunk, type Script } from './faults';
import type { Scenario } from './scenario';
import type { ServedRequest } from './served';

/**
 * One response under way, and whether its client is still there. Every wait ends early when the client leaves. Created
 * per request.
 */
export class Playback {
  private wake: (() => void) | undefined;

  constructor(private readonly response: ServerResponse) {
    response.on('close', () => this.wake?.());
    response.on('drain', () => this.wake?.());
    response.on('finish', () => this.wake?.());
  }

  get clientLeft(): boolean {
    return this.response.destroyed && !this.response.writableFinished;
  }

  /** 0 waits for the next turn of the event loop. */
  async pause(delayMs: number): Promise<void> {
    if (this.clientLeft) return;
    await new Promise<void>((resolve) => {
      if (delayMs === 0) {
        setImmediate(resolve);
        return;
      }
      const timer = setTimeout(resolve, delayMs);
      this.wake = () => {
        if (!this.clientLeft) return;
        clearTimeout(timer);
        resolve();
      };
    });
    this.wake = undefined;
  }

  async untilLeft(): Promise<void> {
    while (!this.clientLeft) await this.nextChange();
  }

  /** Sends a stream and keeps `record` at what has been sent. Resolves with how it ended. */
  async stream(script: Script, scenario: Scenario, record: ServedRequest): Promise<ServedRequest['outcome']> {
    const delayMs = scenario.chunkDelayMs ?? (scenario.split === undefined ? undefined : 0);
    let begun = false;
    for (const write of rechunk(script.writes, scenario)) {
      if (write.chunk && begun && delayMs !== undefined) await this.pause(delayMs);
      begun ||= write.chunk;
      if (this.clientLeft) return 'aborted';
      const roomLeft = this.response.write(write.bytes);
      record.output_tokens += write.tokens;
      if (!roomLeft) await this.drained();
    }
    return this.conclude(script.ending);
  }

  /** Sends a whole body, or half of it where the scenario cuts replies. */
  async body(body: Buffer, ending: Script['ending']): Promise<ServedRequest['outcome']> {
    if (!this.response.headersSent) this.response.setHeader('content-length', body.length);
    if (ending === 'complete') {
      this.response.end(body);
      return this.finished();
    }
    this.response.write(body.subarray(0, Math.ceil(body.length / 2)));
    // A declared length cannot be cut short cleanly: closing the connection is all HTTP has.
    return this.conclude(ending === 'clean' ? 'close' : ending);
  }

  reset(): void {
    this.response.socket?.resetAndDestroy();
  }

  private async conclude(ending: Script['ending']): Promise<ServedRequest['outcome']> {
    if (ending === 'stall') {
      await this.untilLeft();
      return 'aborted';
    }
    if (ending === 'complete' || ending === 'clean') {
      this.response.end();
      const outcome = await this.finished();
      return ending === 'clean' && outcome === 'completed' ? 'broken' : outcome;
    }
    // One turn, so that what was written is on its way before the connection breaks.
    await this.pause(0);
    if (ending === 'reset') this.reset();
    else this.response.socket?.end();
    return 'broken';
  }

  private async drained(): Promise<void> {
    while (this.response.writableNeedDrain && !this.clientLeft) await this.nextChange();
  }

  private async finished(): Promise<ServedRequest['outcome']> {
    while (!this.response.writableFinished && !this.clientLeft) await this.nextChange();
    return this.clientLeft ? 'aborted' : 'completed';
  }

  private nextChange(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = () => {
        this.wake = undefined;
        resolve();
      };
    });
  }
}
