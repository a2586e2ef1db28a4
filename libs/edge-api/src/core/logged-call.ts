import type { CallLog, CallLoggedV1, ErrorCode, KeyRecord, UsageRecordedV1 } from '@switchboard/contracts';
import type { DialectId } from '@switchboard/protocol';
import type { Header } from './authenticate';
import { credentialsOf, loggedPrompt, loggedText } from './call-texts';

export interface LoggedCaller {
  requestId: string;
  clientRequestId: string | undefined;
  key: KeyRecord;
  endpoint: string;
  clientDialect: DialectId;
  /** The caller's address. */
  ip: string;
  headers: Readonly<Record<string, Header>>;
}

const CLIENT_LEFT = 499;

/** One call of a key that asks for it, from when the caller is known until it is told, once, how the call ended. */
export class LoggedCall {
  private readonly atMs = Date.now();
  private readonly startedMs = performance.now();
  private body: Buffer | undefined;
  private requestedModel: string | undefined;
  private stream: boolean | undefined;
  private entrusted = false;
  private told = false;

  constructor(
    private readonly log: CallLog,
    private readonly caller: LoggedCaller,
  ) {}

  /** All of the body is there. */
  received(body: Buffer): void {
    if (this.caller.key.logging.prompts) this.body = body;
  }

  asked(requestedModel: string | undefined, stream?: boolean): void {
    this.requestedModel = requestedModel;
    this.stream = stream;
  }

  /** It reached an upstream. `outcome`: the error that the client was told, where it was one. */
  served(record: UsageRecordedV1, outcome: string = record.finish): void {
    const { model, upstream, status, usage, costNanoUsd, accuracy, latencyMs, firstTokenMs, attempts } = record;
    this.tell({
      ...{ model, upstream, status, outcome, usage, costNanoUsd, accuracy, latencyMs, attempts },
      ...(firstTokenMs !== undefined && { firstTokenMs }),
    });
  }

  /** From here on an exchange tells how it ends: it may go on when the client has left. */
  entrust(): void {
    this.entrusted = true;
  }

  connectionClosed(): void {
    if (!this.entrusted) this.left();
  }

  counted(): void {
    this.ended(200, 'counted');
  }

  refused(code: ErrorCode, status: number): void {
    this.ended(status, code);
  }

  /** Its client is gone, and no upstream was called. */
  left(): void {
    this.ended(CLIENT_LEFT, 'disconnected');
  }

  private ended(status: number, outcome: string): void {
    this.tell({ status, outcome, latencyMs: performance.now() - this.startedMs, attempts: 0 });
  }

  private tell(end: Pick<CallLoggedV1, 'status' | 'outcome' | 'latencyMs' | 'attempts'> & Partial<CallLoggedV1>): void {
    if (this.told) return;
    this.told = true;
    const { requestId, clientRequestId, key, endpoint, clientDialect, ip, headers } = this.caller;
    const credentials = credentialsOf(headers);
    const userAgent = headers['user-agent'];
    this.log.record({
      requestId,
      ...(clientRequestId !== undefined && { clientRequestId: loggedText(clientRequestId, credentials) }),
      ...{ atMs: this.atMs, tenantId: key.tenant.id, keyId: key.id, endpoint, clientDialect },
      ...(this.requestedModel !== undefined && { requestedModel: loggedText(this.requestedModel, credentials) }),
      ...(this.stream !== undefined && { stream: this.stream }),
      ...end,
      ip: loggedText(ip, credentials),
      ...(typeof userAgent === 'string' && { userAgent: loggedText(userAgent, credentials) }),
      ...(this.body !== undefined && loggedPrompt(this.body, credentials)),
    });
  }
}
