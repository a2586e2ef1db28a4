import { createHash } from 'node:crypto';
import {
  type Bus,
  decodeJson,
  encodeJson,
  type ResponseDeleteReplyV1,
  type ResponsePartReplyV1,
  STREAMS,
  SUBJECTS,
  type Subscription,
} from '@switchboard/contracts';
import type { Logger, Metrics, TenantSealer } from '@switchboard/platform';
import { ResponseArchive } from './response-archive';
import type { ResponseParts } from './response-parts';

/** How long one question may take: more than metering waits for its stream. */
const TIMEOUT_MS = 4_000;

/** Parts go over their stream, and are asked for at metering. */
export function busResponseParts(bus: Bus): ResponseParts {
  return {
    append: (part) => {
      const { tenantId, responseId, part: index } = part;
      // An id of the upstream may hold what a header cannot.
      const dedupeId = createHash('sha256').update(`${tenantId}\0${responseId}\0${index}`).digest('hex');
      return bus.append(STREAMS.responses, encodeJson(part), dedupeId);
    },
    find: async (request) => {
      const reply = await bus.request(SUBJECTS.responsePart, encodeJson(request), { timeoutMs: TIMEOUT_MS });
      return decodeJson<ResponsePartReplyV1>(reply).found;
    },
    remove: async (request) => {
      const reply = await bus.request(SUBJECTS.responseDelete, encodeJson(request), { timeoutMs: TIMEOUT_MS });
      return decodeJson<ResponseDeleteReplyV1>(reply).deleted;
    },
  };
}

export interface ResponseClientOptions {
  bus: Bus;
  sealer: TenantSealer;
  log: Logger;
  metrics: Metrics;
}

/** The store of the metering service, for an edge. */
export function createResponseClient(options: ResponseClientOptions): ResponseArchive {
  return new BusResponseArchive(options);
}

/** Tries again what waits as soon as the bus is back. */
class BusResponseArchive extends ResponseArchive {
  private readonly reconnections: Subscription;

  constructor({ bus, ...options }: ResponseClientOptions) {
    super({ ...options, parts: busResponseParts(bus) });
    this.reconnections = bus.onConnected(() => this.wake());
  }

  override async close(): Promise<void> {
    await Promise.all([super.close(), this.reconnections.stop()]);
  }
}
