import type { IncomingMessage, ServerResponse } from 'node:http';

/** What of a refused body is read and thrown away, so that the client gets to read why it was refused. */
const MAX_DISCARDED_BYTES = 64 * 1024 * 1024;
const MAX_DISCARD_MS = 30_000;

/**
 * Ends a reply, all of which is written, once the rest of the request has come: a socket closed while the client still
 * writes would lose it the answer.
 */
export function endAfterBody(incoming: IncomingMessage, response: ServerResponse): void {
  let discarded = 0;
  const end = (): void => {
    clearTimeout(deadline);
    response.end();
  };
  const deadline = setTimeout(end, MAX_DISCARD_MS);
  incoming.on('data', (chunk: Buffer) => {
    discarded += chunk.length;
    if (discarded > MAX_DISCARDED_BYTES) end();
  });
  incoming.on('close', end);
  incoming.on('end', end);
  incoming.resume();
}
