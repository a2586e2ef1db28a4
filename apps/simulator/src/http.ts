import type { IncomingMessage, ServerResponse } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { ApiFailure, refuse } from './api-failure';

const BODY_BYTES_MAX = 1 << 26;

/**
 * Reads a whole body, gunzipped if it says so. Rejects with a 413 or 400 {@link ApiFailure}; resolves with undefined
 * when the client left before the end.
 */
export function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= BODY_BYTES_MAX) chunks.push(chunk);
    });
    request.on('end', () => {
      if (size > BODY_BYTES_MAX) reject(new ApiFailure(413, undefined, 'Request exceeds the maximum size'));
      else settle(() => decoded(request, Buffer.concat(chunks, size)), resolve, reject);
    });
    // An error here is the connection breaking, and 'close' follows it.
    request.on('error', () => resolve(undefined));
    request.on('close', () => resolve(undefined));
  });
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const body = JSON.stringify(value);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

function settle(read: () => Buffer, resolve: (body: Buffer) => void, reject: (error: unknown) => void): void {
  try {
    resolve(read());
  } catch (error) {
    reject(error);
  }
}

function decoded(request: IncomingMessage, body: Buffer): Buffer {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity') return body;
  if (encoding !== 'gzip') refuse(`Unsupported content-encoding '${encoding}'`);
  try {
    return gunzipSync(body, { maxOutputLength: BODY_BYTES_MAX });
  } catch {
    return refuse('The body is not valid gzip');
  }
}
