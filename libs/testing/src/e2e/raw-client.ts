import { once } from 'node:events';
import { connect } from 'node:net';
import type { Call } from './http-exchange';

/** Everything that comes back for these calls, sent at once on one connection that the server is to close in the end. */
export async function rawExchange(baseUrl: string, version: '1.0' | '1.1', calls: readonly Call[]): Promise<Buffer> {
  const { hostname, port } = new URL(baseUrl);
  const socket = connect(Number(port), hostname);
  const received: Buffer[] = [];
  socket.on('data', (bytes) => received.push(bytes));
  for (const { method = 'POST', path, headers = {}, body = '' } of calls) {
    const lines = [
      `${method} ${path} HTTP/${version}`,
      `host: ${hostname}`,
      `content-length: ${Buffer.byteLength(body)}`,
      ...Object.entries(headers).map((pair) => pair.join(': ')),
    ];
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    socket.write(body);
  }
  await once(socket, 'close');
  return Buffer.concat(received);
}

export interface RawMessage {
  head: string;
  /** All that follows, framed as it came. */
  rest: Buffer;
}

export function splitHead(bytes: Buffer): RawMessage {
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) throw new Error(`no head: ${bytes.toString().slice(0, 200)}`);
  return { head: bytes.toString('latin1', 0, end), rest: bytes.subarray(end + 4) };
}

/** The body of a message sent in chunks (RFC 9112, 7.1), and what comes after it. @throws where the framing is broken */
export function unchunk(bytes: Buffer): { body: Buffer; rest: Buffer } {
  const chunks: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    const size = bytes.toString('latin1', at, lineEnd);
    if (lineEnd === -1 || !/^[0-9a-f]+$/.test(size))
      throw new Error(`no chunk size at byte ${at}: ${size.slice(0, 40)}`);
    const end = lineEnd + 2 + Number.parseInt(size, 16);
    if (bytes.toString('latin1', end, end + 2) !== '\r\n') throw new Error(`a chunk does not end at byte ${end}`);
    if (end === lineEnd + 2) return { body: Buffer.concat(chunks), rest: bytes.subarray(end + 2) };
    chunks.push(bytes.subarray(lineEnd + 2, end));
    at = end + 2;
  }
}
