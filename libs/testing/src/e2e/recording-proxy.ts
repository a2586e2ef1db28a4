import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A POST that went through. Times on one clock, in ms. */
export interface RecordedCall {
  path: string;
  status: number;
  /** The header as it came; absent: none came. */
  retryAfter?: string;
  askedAtMs: number;
  /** When the head of the reply was there. */
  answeredAtMs: number;
}

export interface RecordingProxy {
  url: string;
  /** In the order of their answers. */
  calls(): RecordedCall[];
  close(): Promise<void>;
}

/**
 * Stands between a client and `origin`, changes nothing and notes every POST. `beforeFirst` is done before the first of
 * them goes on: what has to be so at that moment does not depend on how long the client took to start.
 */
export async function startRecordingProxy(origin: string, beforeFirst: () => Promise<void>): Promise<RecordingProxy> {
  const calls: RecordedCall[] = [];
  let ready: Promise<void> | undefined;
  const server = createServer((incoming, outgoing) => {
    const posted = incoming.method === 'POST';
    const askedAtMs = performance.now();
    const answered = (reply: IncomingMessage): void => {
      if (posted) calls.push(recorded(incoming, reply, askedAtMs));
    };
    if (posted) ready ??= beforeFirst();
    Promise.resolve(ready).then(
      () => relay(origin, incoming, outgoing, answered),
      () => outgoing.destroy(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: () => [...calls],
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function relay(
  origin: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  answered: (reply: IncomingMessage) => void,
): void {
  const { method, url, headers } = incoming;
  const onward = httpRequest(`${origin}${url}`, { method: method ?? 'GET', headers }, (reply) => {
    answered(reply);
    outgoing.writeHead(reply.statusCode ?? 502, reply.headers);
    reply.pipe(outgoing);
    reply.on('error', () => outgoing.destroy());
  });
  onward.on('error', () => outgoing.destroy());
  outgoing.on('close', () => onward.destroy());
  incoming.pipe(onward);
}

function recorded(incoming: IncomingMessage, reply: IncomingMessage, askedAtMs: number): RecordedCall {
  const retryAfter = reply.headers['retry-after'];
  return {
    path: incoming.url ?? '',
    status: reply.statusCode ?? 0,
    ...(retryAfter !== undefined && { retryAfter }),
    askedAtMs,
    answeredAtMs: performance.now(),
  };
}
