import { setTimeout as delay } from 'node:timers/promises';
import {
  type Bus,
  type Bytes,
  encodeJson,
  type FoundResponsePartV1,
  parseResponseDeleteRequest,
  parseResponsePartRequest,
  type ResponseDeleteReplyV1,
  type ResponsePartReplyV1,
  type ResponsePartRequestV1,
  ResponseStoreUnavailableError,
  STREAMS,
  SUBJECTS,
  type Subscription,
} from '@switchboard/contracts';
import { METERING_DURABLE } from '../client';
import { StreamCatchUp } from '../stream-catch-up';
import type { ResponseParts } from './response-parts';

const GROUP = 'metering';
/** A store that is further behind does not answer: whoever asks has a call waiting. */
const CATCH_UP_MS = 1_500;
/**
 * A client may ask before its reply's edge has written to the stream, which takes a tenth of a second where megabytes are
 * compressed: what is missing is looked for again after each of these.
 */
const LATER_MS = [10, 40, 100, 200, 350];

/**
 * Answers for stored responses, one of all of metering at a time. What the stream held at the question is in the answer: what
 * is not there yet is waited for, and only what then still is missing is unknown.
 */
export class ResponseService {
  private readonly catchUp: StreamCatchUp;
  private serving: Subscription[] = [];
  private stopped = false;

  constructor(private readonly options: { bus: Bus; rows: Pick<ResponseParts, 'find' | 'remove'> }) {
    this.catchUp = new StreamCatchUp({
      backlog: () => options.bus.backlog(STREAMS.responses, METERING_DURABLE),
      behind: (messages) => new ResponseStoreUnavailableError(`the store is ${messages} messages behind`),
    });
  }

  /** Call it once the database has this release's schema. */
  start(): void {
    if (this.stopped || this.serving.length > 0) return;
    const { bus } = this.options;
    this.serving = [
      bus.serve(SUBJECTS.responsePart, GROUP, (payload) => this.find(payload)),
      bus.serve(SUBJECTS.responseDelete, GROUP, (payload) => this.remove(payload)),
    ];
  }

  /** Resolves when the questions in hand are answered. */
  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.serving.map((subscription) => subscription.stop()));
  }

  private async find(payload: Bytes): Promise<Bytes> {
    const request = parseResponsePartRequest(payload);
    if (typeof request === 'string') throw new TypeError(request);
    const found = (await this.options.rows.find(request)) ?? (await this.findLater(request));
    return encodeJson({ ...(found !== undefined && { found }) } satisfies ResponsePartReplyV1);
  }

  private async findLater(request: ResponsePartRequestV1): Promise<FoundResponsePartV1 | undefined> {
    // Of what is there the first part is never missing.
    if (request.part > 0) return undefined;
    const found = await this.findCaughtUp(request);
    // Who looks for items does so for many that nobody stored.
    if (found !== undefined || request.responseId === undefined) return found;
    for (const pauseMs of LATER_MS) {
      await delay(pauseMs);
      const later = await this.findCaughtUp(request);
      if (later !== undefined) return later;
    }
    return undefined;
  }

  private async findCaughtUp(request: ResponsePartRequestV1): Promise<FoundResponsePartV1 | undefined> {
    await this.catchUp.reached(CATCH_UP_MS);
    return this.options.rows.find(request);
  }

  private async remove(payload: Bytes): Promise<Bytes> {
    const request = parseResponseDeleteRequest(payload);
    if (typeof request === 'string') throw new TypeError(request);
    await this.catchUp.reached(CATCH_UP_MS);
    const deleted = await this.options.rows.remove(request);
    return encodeJson({ deleted } satisfies ResponseDeleteReplyV1);
  }
}
