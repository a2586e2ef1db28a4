import {
  GatewayError,
  type KeyRecord,
  type ResponseStore,
  ResponseStoreUnavailableError,
  type StoredResponse,
} from '@switchboard/contracts';
import { spliceBytes, type JsonObject, type JsonValue, type Loss } from '@switchboard/protocol';
import { expandInput, itemsOf, referencesIn, type ExpandedInput } from '../core/expand-input';
import { readStorageRequest, type StorageRequest } from '../core/storage-request';
import { askableItemIds, isResponseId } from '../core/stored-id';
import { inputList } from '../core/stored-input';
import { StoredCall } from './stored-call';

/** A body that is larger is not stored, which the reply says from its beginning on. Replies are far smaller. */
const INPUT_BYTES_MAX = 4 * 1024 * 1024;
/** References of one request are looked for in so many responses: the latest holds what those before it held. */
const LOOKUPS_MAX = 8;

type Read = StoredCall | GatewayError | undefined;

interface Expanded extends ExpandedInput {
  /** The request without the response it goes on from. */
  rest: JsonObject;
}

/** Stored responses as requests use them; upstreams store nothing. */
export class ResponseStorage {
  /** Without a store nothing is kept, and nothing known. `storing`: whether new ones are kept. */
  constructor(
    private readonly store: ResponseStore | undefined,
    private readonly storing: () => boolean,
  ) {}

  /**
   * What a body of `POST /v1/responses` is to its upstream: with all in it that it refers to. A promise only where the store
   * has to be asked. Undefined: not even JSON, for others to refuse.
   */
  read(body: Buffer, key: KeyRecord): Read | Promise<Read> {
    const asked = readStorageRequest(body);
    if (asked === undefined || asked instanceof GatewayError) return asked;
    if (refers(asked)) return this.readWhole(body, asked, key);
    const sent = asked.storeNot === undefined ? body : spliceBytes(body, [asked.storeNot]);
    return this.call(asked, key, { body: sent, input: undefined, losses: [] });
  }

  /** A body that is only counted, with all in it that it refers to. */
  async whole(body: Buffer, key: KeyRecord): Promise<Buffer | GatewayError> {
    const asked = readStorageRequest(body);
    if (asked instanceof GatewayError) return asked;
    const expanded = asked !== undefined && refers(asked) ? await this.expand(body, asked, key) : undefined;
    if (expanded === undefined || expanded instanceof GatewayError) return expanded ?? body;
    return Buffer.from(JSON.stringify({ ...expanded.rest, input: expanded.sent }));
  }

  /** Undefined: the tenant has none of that id. @throws GatewayError when the store is away */
  async find({ tenant }: KeyRecord, id: string): Promise<StoredResponse | undefined> {
    return isResponseId(id) ? this.store?.get(tenant.id, id).catch(unavailable) : undefined;
  }

  /** False: the tenant has none of that id. @throws GatewayError when the store is away */
  async delete({ tenant }: KeyRecord, id: string): Promise<boolean> {
    return isResponseId(id) && ((await this.store?.delete(tenant.id, id).catch(unavailable)) ?? false);
  }

  private async readWhole(body: Buffer, asked: StorageRequest, key: KeyRecord): Promise<Read> {
    const expanded = await this.expand(body, asked, key);
    if (expanded === undefined || expanded instanceof GatewayError) return expanded;
    const { rest, sent, stored, losses } = expanded;
    const whole = Buffer.from(JSON.stringify({ ...rest, input: sent, store: false }));
    return this.call(asked, key, { body: whole, input: stored, losses });
  }

  private async expand(
    body: Buffer,
    { previousResponseId }: StorageRequest,
    key: KeyRecord,
  ): Promise<Expanded | GatewayError | undefined> {
    const request = parsed(body);
    const input = inputList(request?.input);
    // What it is instead is for others to refuse.
    if (request === undefined || input === undefined) return undefined;
    const { previous_response_id: _previous, ...rest } = request;
    try {
      const previous = previousResponseId === undefined ? undefined : await this.find(key, previousResponseId);
      if (previousResponseId !== undefined && previous === undefined) return notFound(previousResponseId);
      const known = await this.resolve(referencesIn(input), previous, key);
      return { rest, ...expandInput(input, previous, known) };
    } catch (error) {
      if (error instanceof GatewayError) return error;
      throw error;
    }
  }

  /** The items that are referred to, as far as they are stored. */
  private async resolve(
    references: readonly string[],
    previous: StoredResponse | undefined,
    { tenant }: KeyRecord,
  ): Promise<ReadonlyMap<string, JsonObject>> {
    const known = new Map<string, JsonObject>();
    const learn = (response: StoredResponse): void => {
      for (const item of itemsOf(response)) if (typeof item.id === 'string') known.set(item.id, item);
    };
    if (previous !== undefined) learn(previous);
    for (let lookups = 0; lookups < LOOKUPS_MAX; lookups++) {
      const missing = askableItemIds(references.filter((id) => !known.has(id)));
      if (missing.length === 0) break;
      const found = await this.store?.findByItems(tenant.id, missing).catch(unavailable);
      if (found === undefined) break;
      learn(found);
    }
    return known;
  }

  private call(
    { store, previousResponseId }: StorageRequest,
    key: KeyRecord,
    read: { body: Buffer; input: JsonValue[] | undefined; losses: Loss[] },
  ): StoredCall {
    const stores = store && this.store !== undefined && this.storing() && read.body.length <= INPUT_BYTES_MAX;
    const echo = { store: stores, previous_response_id: previousResponseId ?? null };
    return new StoredCall(stores ? this.store : undefined, key, { ...read, echo });
  }
}

function refers({ previousResponseId, mayRefer }: StorageRequest): boolean {
  return previousResponseId !== undefined || mayRefer;
}

function parsed(body: Buffer): JsonObject | undefined {
  try {
    return JSON.parse(body.toString('utf8')) as JsonObject;
  } catch {
    // The sniffer that comes next says what is wrong.
    return undefined;
  }
}

function notFound(id: string): GatewayError {
  return new GatewayError('invalid_parameter', `Previous response with id '${id}' not found.`, {
    ...{ param: 'previous_response_id', openaiCode: 'previous_response_not_found' },
  });
}

function unavailable(error: unknown): never {
  if (!(error instanceof ResponseStoreUnavailableError)) throw error;
  throw new GatewayError('response_store_unavailable', 'Stored responses cannot be reached just now. Try again soon.', {
    ...{ retryAfterSeconds: 1, cause: error },
  });
}
