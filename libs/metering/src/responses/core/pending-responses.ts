import type { StoredResponse } from '@switchboard/contracts';

/** A response that is not safe yet. */
export interface PendingResponse {
  response: StoredResponse;
  /** `response` as JSON. */
  text: string;
  itemIds: readonly string[];
  /** Made once: what is tried again must be the same bytes. */
  sealed?: Buffer;
}

/** What waits to be kept, found by its id meanwhile; bounded in characters. */
export class PendingResponses {
  /** In the order they came. */
  private readonly held = new Map<string, PendingResponse>();
  private readonly queue: PendingResponse[] = [];
  private characters = 0;

  constructor(private readonly charactersMax: number) {}

  get size(): number {
    return this.held.size;
  }

  get waiting(): number {
    return this.queue.length;
  }

  /** False when it is full, or one of that id waits already: it was not taken in. */
  offer(pending: PendingResponse): boolean {
    const { tenantId, id } = pending.response;
    const key = keyOf(tenantId, id);
    if (this.characters + pending.text.length > this.charactersMax || this.held.has(key)) return false;
    this.characters += pending.text.length;
    this.held.set(key, pending);
    this.queue.push(pending);
    return true;
  }

  take(): PendingResponse | undefined {
    return this.queue.shift();
  }

  /** Forgets what was taken. */
  confirm({ response, text }: PendingResponse): void {
    if (this.held.delete(keyOf(response.tenantId, response.id))) this.characters -= text.length;
  }

  find(tenantId: string, id: string): PendingResponse | undefined {
    return this.held.get(keyOf(tenantId, id));
  }

  /** The latest that holds one of the items. */
  findByItems(tenantId: string, itemIds: readonly string[]): PendingResponse | undefined {
    let latest: PendingResponse | undefined;
    for (const pending of this.held.values()) {
      if (pending.response.tenantId !== tenantId) continue;
      if (itemIds.some((id) => pending.itemIds.includes(id))) latest = pending;
    }
    return latest;
  }
}

function keyOf(tenantId: string, id: string): string {
  return `${tenantId}\0${id}`;
}
