import type { IncomingHttpHeaders } from 'node:http';
import type { Plan } from './dialect';
import { simHeaders } from './scenario';

const ENTRIES_MAX = 64;
const BODY_BYTES_MAX = 1 << 18;
const REPLY_BYTES_MAX = 1 << 20;

/**
 * Keeps the serialised replies of the last different requests. A reply depends on nothing but the request, and a
 * benchmark sends the same one a million times: parsing it each time would measure the simulator.
 */
export class PlanCache {
  private readonly plans = new Map<string, Plan>();

  /** The key of a request, or undefined where it is too large to keep. */
  key(path: string, headers: IncomingHttpHeaders, body: Buffer): string | undefined {
    if (body.length > BODY_BYTES_MAX) return undefined;
    const version = headers['anthropic-version'];
    return `${path} ${typeof version === 'string' ? version : ''} ${simHeaders(headers).join('&')} ${body.toString('latin1')}`;
  }

  get(key: string | undefined): Plan | undefined {
    return key === undefined ? undefined : this.plans.get(key);
  }

  set(key: string | undefined, plan: Plan): void {
    if (key === undefined || replyBytes(plan) > REPLY_BYTES_MAX) return;
    if (this.plans.size >= ENTRIES_MAX) {
      const oldest = this.plans.keys().next();
      if (!oldest.done) this.plans.delete(oldest.value);
    }
    this.plans.set(key, plan);
  }
}

function replyBytes({ reply }: Plan): number {
  if (reply.kind === 'body') return reply.body.length;
  return reply.frames.reduce((sum, frame) => sum + frame.bytes.length, 0);
}
