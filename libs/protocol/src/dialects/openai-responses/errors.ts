import type { UpstreamError, WireError } from '../../dialect';
import type { JsonObject } from '../../json';

export function decodeError(_status: number, _body: string): UpstreamError {
  throw new Error('not built yet');
}

export function encodeError(_error: WireError): JsonObject {
  throw new Error('not built yet');
}

export function encodeStreamError(_error: WireError): string {
  throw new Error('not built yet');
}
