import type { KeyRecord, ResponseStore } from '@switchboard/contracts';
import { isJsonObject, type JsonObject, type JsonValue, type Loss } from '@switchboard/protocol';
import { echoInReply, ResponseWatch, type StorageEcho } from '../core/response-echo';
import { isResponseId } from '../core/stored-id';
import { inputList, storedItems } from '../core/stored-input';
import type { Relay } from './relay';
import { StoringRelay } from './storing-relay';

interface ReadCall {
  body: Buffer;
  /** With all that it refers to; undefined: it is what `body` has. */
  input: JsonValue[] | undefined;
  losses: readonly Loss[];
  echo: StorageEcho;
}

/** A request of the Responses API, as far as its storage is concerned: what is sent for it, and what is kept of its reply. */
export class StoredCall {
  /** What goes on to be read, planned and sent. */
  readonly body: Buffer;
  /** What it refers to and nobody knows. */
  readonly losses: readonly Loss[];
  /** What its reply says of storage. */
  readonly echo: StorageEcho;
  private readonly input: JsonValue[] | undefined;

  /** `store` absent: nothing is kept of it. */
  constructor(
    private readonly store: ResponseStore | undefined,
    private readonly key: KeyRecord,
    { body, input, losses, echo }: ReadCall,
  ) {
    this.body = body;
    this.input = input;
    this.losses = losses;
    this.echo = echo;
  }

  /** Whether its reply is kept, so that it must hold what a later request needs. */
  get stores(): boolean {
    return this.store !== undefined;
  }

  /** The relay of its stream, watched where there is something to tell or to keep. */
  relay(relay: Relay): Relay {
    if (!this.stores && this.echo.previous_response_id === null) return relay;
    return new StoringRelay(relay, new ResponseWatch(this.echo, (response) => this.keep(response)));
  }

  /** Its reply in one piece; `passThrough`: it is the upstream's own. */
  reply(body: Buffer, passThrough: boolean): Buffer {
    const told = passThrough ? echoInReply(body, this.echo) : body;
    if (this.stores) {
      const response: unknown = JSON.parse(told.toString('utf8'));
      if (isJsonObject(response)) this.keep(response);
    }
    return told;
  }

  /** After the bytes that are under way: compressing and sealing are not to hold them up. */
  private keep(response: JsonObject): void {
    const { store } = this;
    const { id, status } = response;
    if (store === undefined || !isResponseId(id)) return;
    if (status !== 'completed' && status !== 'incomplete') return;
    setImmediate(() => {
      const { key, echo } = this;
      store.put({
        ...{ tenantId: key.tenant.id, keyId: key.id, id, createdAtMs: Date.now(), status },
        model: typeof response.model === 'string' ? response.model : '',
        input: storedItems(this.input ?? this.readInput(), id),
        response: { ...response, ...echo },
      });
    });
  }

  private readInput(): JsonValue[] {
    // It was parsed, or sniffed whole, before it was answered.
    return inputList((JSON.parse(this.body.toString('utf8')) as JsonObject).input) ?? [];
  }
}
