import { STORED_ITEM_IDS_MAX } from '@switchboard/contracts';

/** Some gateways before us write all they know into an id. */
const RESPONSE_ID = /^[\w.:=+-]{1,512}$/;
const ITEM_ID = /^[\w.:=+-]{1,90}$/;

/** Whether a response may be stored under an id; the store is not asked for others. */
export function isResponseId(id: unknown): id is string {
  return typeof id === 'string' && RESPONSE_ID.test(id);
}

/** Of these ids those that the store may be asked for, the latest where they are too many. */
export function askableItemIds(ids: readonly string[]): string[] {
  return ids.filter((id) => ITEM_ID.test(id)).slice(-STORED_ITEM_IDS_MAX);
}
