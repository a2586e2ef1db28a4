import { type ResponseStore, ResponseStoreUnavailableError, type StoredResponse } from '@switchboard/contracts';
import { itemsOf } from '../core/expand-input';

/** Keeps what it is told, in the order it was told. */
export class MemoryResponses implements ResponseStore {
  readonly stored: StoredResponse[] = [];
  /** How often it was asked. */
  lookups = 0;
  away = false;

  put(response: StoredResponse): void {
    this.stored.push(response);
  }

  async get(tenantId: string, id: string): Promise<StoredResponse | undefined> {
    return this.find((response) => response.tenantId === tenantId && response.id === id);
  }

  async findByItems(tenantId: string, itemIds: readonly string[]): Promise<StoredResponse | undefined> {
    return this.find(
      (response) =>
        response.tenantId === tenantId && itemsOf(response).some(({ id }) => itemIds.includes(id as string)),
    );
  }

  async delete(tenantId: string, id: string): Promise<boolean> {
    const found = await this.get(tenantId, id);
    if (found !== undefined) this.stored.splice(this.stored.indexOf(found), 1);
    return found !== undefined;
  }

  private find(matches: (response: StoredResponse) => boolean): Promise<StoredResponse | undefined> {
    this.lookups++;
    if (this.away) return Promise.reject(new ResponseStoreUnavailableError('away'));
    return Promise.resolve(this.stored.findLast(matches));
  }
}
