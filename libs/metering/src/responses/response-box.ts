import { promisify } from 'node:util';
import { constants, deflateRaw, inflateRaw } from 'node:zlib';
import { STORED_RESPONSE_BYTES_MAX, type StoredResponse } from '@switchboard/contracts';
import type { TenantSealer } from '@switchboard/platform';

const deflate = promisify<string, { level: number }, Buffer>(deflateRaw);
const inflate = promisify<Buffer, { maxOutputLength: number }, Buffer>(inflateRaw);

/** `text`: the response as JSON. Compressed first, off the event loop: ciphertext does not get smaller. */
export async function sealResponse(
  { tenantId, id }: StoredResponse,
  text: string,
  sealer: Pick<TenantSealer, 'seal'>,
): Promise<Buffer> {
  // 5 MB take 60 ms so, and 250 at the usual level, which saves a tenth of the bytes.
  return sealer.seal(await deflate(text, { level: constants.Z_BEST_SPEED }), tenantId, contextOf(id));
}

/** @throws SealError; or an error of zlib or a SyntaxError, where something else was sealed. */
export async function openResponse(
  { tenantId, id, sealed }: { tenantId: string; id: string; sealed: Buffer },
  sealer: Pick<TenantSealer, 'open'>,
): Promise<StoredResponse> {
  const compressed = sealer.open(sealed, tenantId, contextOf(id));
  const text = await inflate(compressed, { maxOutputLength: STORED_RESPONSE_BYTES_MAX });
  return JSON.parse(text.toString('utf8')) as StoredResponse;
}

function contextOf(responseId: string): string {
  return `response:${responseId}`;
}
