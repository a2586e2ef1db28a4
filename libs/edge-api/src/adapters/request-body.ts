import type { IncomingMessage } from 'node:http';
import { isUtf8 } from 'node:buffer';
import { brotliDecompress, gunzip, inflate, type ZlibOptions } from 'node:zlib';
import { GatewayError } from '@switchboard/contracts';

type BodyCallback = (body: Buffer | GatewayError) => void;

type Decompress = (
  body: Buffer,
  options: ZlibOptions,
  done: (error: (Error & { code?: string }) | null, plain: Buffer) => void,
) => void;

const DECOMPRESSORS: Readonly<Record<string, Decompress>> = {
  gzip: gunzip as Decompress,
  'x-gzip': gunzip as Decompress,
  deflate: inflate as Decompress,
  br: brotliDecompress as unknown as Decompress,
};

/**
 * Reads a request body once, whole. `done` is called at most once: with the plain bytes, or with the error to tell
 * (too large before or after decompression, unknown encoding, broken compression, bad UTF-8). A client that leaves while
 * sending gets no call: there is nobody to tell.
 */
export function readBody(request: IncomingMessage, maxBytes: number, done: BodyCallback): void {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > maxBytes) return done(tooLarge(maxBytes));

  let first: Buffer | undefined;
  let chunks: Buffer[] | undefined;
  let size = 0;
  let over = false;
  request.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (over) return;
    if (size > maxBytes) {
      over = true;
      chunks = first = undefined;
      return done(tooLarge(maxBytes));
    }
    // Small bodies come as one chunk: no array, no copy.
    if (first === undefined) first = chunk;
    else (chunks ??= [first]).push(chunk);
  });
  request.on('end', () => {
    if (over) return;
    const body = chunks !== undefined ? Buffer.concat(chunks, size) : (first ?? Buffer.alloc(0));
    decode(request.headers['content-encoding'], body, maxBytes, done);
  });
}

function decode(encoding: string | undefined, body: Buffer, maxBytes: number, done: BodyCallback): void {
  if (encoding === undefined || encoding === 'identity') return done(checkUtf8(body));
  const decompress = DECOMPRESSORS[encoding.trim().toLowerCase()];
  if (decompress === undefined) {
    return done(
      new GatewayError(
        'unsupported_encoding',
        'Request bodies may be sent plain or with gzip, deflate or br encoding.',
      ),
    );
  }
  decompress(body, { maxOutputLength: maxBytes }, (error, plain) => {
    if (error === null) return done(checkUtf8(plain));
    if (error.code === 'ERR_BUFFER_TOO_LARGE') return done(tooLarge(maxBytes));
    done(new GatewayError('malformed_body', 'The request body is not valid compressed data.', { cause: error }));
  });
}

function checkUtf8(body: Buffer): Buffer | GatewayError {
  return isUtf8(body) ? body : new GatewayError('malformed_body', 'The request body is not valid UTF-8.');
}

function tooLarge(maxBytes: number): GatewayError {
  return new GatewayError(
    'body_too_large',
    `The request body is larger than the ${maxBytes} bytes this gateway accepts.`,
  );
}
