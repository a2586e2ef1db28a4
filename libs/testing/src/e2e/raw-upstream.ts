import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

export interface RawUpstream {
  /** Without a path. */
  origin: string;
  /** Requests that have come in whole, over all connections. */
  requests(): number;
  /** Connections open now. */
  open(): number;
  close(): Promise<void>;
}

/**
 * An upstream that is no HTTP server: it reads a request to its end and hands the bare socket to `answer`, which may write
 * whatever it likes.
 */
export async function startRawUpstream(answer: (socket: Socket, head: string) => void): Promise<RawUpstream> {
  const sockets = new Set<Socket>();
  let requests = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    let received = '';
    socket.on('close', () => sockets.delete(socket));
    // The gateway may reset a connection it gives up; that is its right.
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes) => {
      received += bytes.toString('latin1');
      const whole = wholeRequest(received);
      if (whole === undefined) return;
      received = received.slice(whole.length);
      requests += 1;
      answer(socket, whole);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => requests,
    open: () => sockets.size,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The first request of these bytes, or undefined while it is not all there. */
function wholeRequest(received: string): string | undefined {
  const headEnd = received.indexOf('\r\n\r\n');
  if (headEnd === -1) return undefined;
  const length = Number(/^content-length: *(\d+)/im.exec(received.slice(0, headEnd))?.[1] ?? 0);
  const end = headEnd + 4 + length;
  return received.length < end ? undefined : received.slice(0, end);
}

/** A reply with a declared length. */
export function plainReply(status: string, contentType: string, body: string, more: string[] = []): string {
  return [
    `HTTP/1.1 ${status}`,
    `content-type: ${contentType}`,
    `content-length: ${Buffer.byteLength(body)}`,
    ...more,
    '',
    body,
  ].join('\r\n');
}

/** The head of an event stream whose chunks follow. */
export const STREAM_HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';

export const LAST_CHUNK = '0\r\n\r\n';

export function httpChunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}
