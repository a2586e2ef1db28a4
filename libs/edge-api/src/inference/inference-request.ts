import type { IncomingHttpHeaders } from 'node:http';
import { GatewayError } from '@switchboard/contracts';
import {
  isStreamed,
  readClientMetadata,
  readEndUser,
  readJsonNumber,
  type Conversation,
  type Decoded,
  type Dialect,
  type Fault,
  type JsonObject,
  type OperationCall,
  type SniffedRequest,
} from '@switchboard/protocol';
import { holdsOwnMarks } from '../core/own-marks';
import type { StoredCall } from './stored-call';

/** What only some requests are. */
export interface AskedFor {
  /** Absent: it is a conversation. */
  operation?: OperationCall | undefined;
  /** Of the Responses API. */
  stored?: StoredCall | undefined;
}

/** A client's inference request once its body is in: sniffed always, parsed only if somebody asks. */
export class InferenceRequest {
  readonly operation: OperationCall | undefined;
  readonly stored: StoredCall | undefined;
  private decoded: Decoded<Conversation> | undefined;
  private parsed: JsonObject | undefined;
  private marked: boolean | undefined;
  private identified: { endUser: string | undefined } | undefined;

  constructor(
    readonly dialect: Dialect,
    readonly body: Buffer,
    readonly sniffed: SniffedRequest,
    readonly headers: IncomingHttpHeaders,
    /** With its question mark, or empty. */
    readonly query: string,
    /** Refuse rather than lose anything in translation. */
    readonly strict: boolean,
    asked: AskedFor = {},
  ) {
    this.operation = asked.operation;
    this.stored = asked.stored;
  }

  /** As the client named it; checked to be there before anything else is. */
  get model(): string {
    return this.sniffed.model ?? '';
  }

  get stream(): boolean {
    return this.sniffed.stream && (this.operation === undefined || isStreamed(this.operation));
  }

  /** How many are written; 0: none. */
  get replyCount(): number {
    return this.operation?.replyCount ?? this.sniffed.replyCount;
  }

  /**
   * The most output of each reply that any server may take the client to have asked for: of both names the larger, since
   * some know only one of them. Undefined: it said nothing.
   */
  get maxTokens(): number | undefined {
    const { maxTokens, maxOutputTokens, spans } = this.sniffed;
    if (this.dialect.id === 'openai-responses') return maxOutputTokens;
    // Where the newer name is not there, the sniffer has read the older one.
    if (spans.max_completion_tokens === undefined) return maxTokens;
    const older = spans.max_tokens && readJsonNumber(this.body, spans.max_tokens);
    return older === undefined ? maxTokens : Math.max(older, maxTokens ?? 0);
  }

  /** It must not reach any upstream as it is; looked for at most once. */
  get holdsOwnMarks(): boolean {
    return (this.marked ??= this.sniffed.mayHoldEnvelope && holdsOwnMarks(this.body, this.dialect.id));
  }

  /** Whom the client says it asks for; read at most once. */
  get endUser(): string | undefined {
    this.identified ??= { endUser: readEndUser(this.body, this.sniffed, this.dialect.id) };
    return this.identified.endUser;
  }

  /** What the client attached to the call for itself. */
  get clientMetadata(): Record<string, string> | undefined {
    return readClientMetadata(this.body, this.sniffed, this.dialect.id);
  }

  /** The canonical form; parsed at most once. */
  conversation(): Decoded<Conversation> {
    return (this.decoded ??= this.decode());
  }

  /** The body as it was decoded; undefined where nobody asked for the conversation, or there is none. */
  get decodedBody(): JsonObject | undefined {
    return this.parsed;
  }

  private decode(): Decoded<Conversation> {
    try {
      this.parsed = JSON.parse(this.body.toString('utf8')) as JsonObject;
      // Fallbacks are for us: no dialect has them, and no upstream loses them.
      if (this.sniffed.spans.models !== undefined) delete this.parsed.models;
    } catch (error) {
      return { ok: false, fault: { message: `The request body is not valid JSON: ${(error as Error).message}` } };
    }
    return this.dialect.decodeRequest(this.parsed);
  }
}

export function faultError(fault: Fault): GatewayError {
  return new GatewayError(fault.param === undefined ? 'malformed_body' : 'invalid_parameter', fault.message, {
    ...(fault.param !== undefined && { param: fault.param }),
    ...(fault.code !== undefined && { openaiCode: fault.code }),
  });
}
