import type { IncomingHttpHeaders } from 'node:http';
import type { ApiFailure } from './api-failure';
import type { Frame } from './frames';
import type { JsonObject } from './json';
import type { Scenario } from './scenario';
import type { TokenUsage } from './tokens';

/** A request whose body is a JSON object, before the dialect has looked into it. */
export interface Incoming {
  headers: IncomingHttpHeaders;
  body: JsonObject;
  scenario: Scenario;
  /** All ids come from it: the same conversation gets the same ones, streamed or not. */
  seed: string;
}

/** A healthy reply, fully serialised and free of the request id, so that it can be kept and sent again. */
export interface Plan {
  scenario: Scenario;
  model: string;
  usage: TokenUsage;
  reply:
    | { kind: 'body'; body: Buffer }
    | {
        kind: 'stream';
        frames: Frame[];
        /** How it ends after `sent` frames, where that depends on the reply; else as the dialect's `errorFrame`. */
        failure?(failure: ApiFailure, sent: number): string;
      };
}

export interface Dialect {
  readonly name: 'anthropic' | 'openai';
  /** Response headers of every reply, good or bad. */
  headers(requestId: string): Record<string, string>;
  errorBody(failure: ApiFailure, requestId: string): string;
  /** An error inside a stream that began with 200. */
  errorFrame(failure: ApiFailure): string;
  unauthenticated(): ApiFailure;
  notJson(): ApiFailure;
}

/** Turns a request into its reply. Throws {@link ApiFailure} where the real API refuses. */
export type Planner = (incoming: Incoming) => Plan;
