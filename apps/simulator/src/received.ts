import type { IncomingMessage } from 'node:http';

/** One request as it arrived. `body` is parsed JSON, or the text itself where it is not JSON. */
export interface ReceivedRequest {
  method: string;
  /** With the query. */
  path: string;
  headers: Record<string, string | string[]>;
  body: unknown;
}

interface Kept {
  request: IncomingMessage;
  body: Buffer;
}

const KEPT_MAX = 200;
const BYTES_MAX = 1 << 26;
const CREDENTIALS = new Set(['authorization', 'x-api-key', 'api-key', 'cookie', 'proxy-authorization']);
const SHOWN_TAIL = 4;
const LONG_ENOUGH_TO_SHOW_TAIL = 16;

/** The last requests, for tests that assert what reached the upstream. Parsing waits until somebody asks. */
export class ReceivedLog {
  private kept: Kept[] = [];
  private bytes = 0;

  add(request: IncomingMessage, body: Buffer): void {
    this.kept.push({ request, body });
    this.bytes += body.length;
    while (this.kept.length > KEPT_MAX || this.bytes > BYTES_MAX) this.bytes -= this.kept.shift()?.body.length ?? 0;
  }

  /** Newest last. */
  last(count: number): ReceivedRequest[] {
    return count <= 0
      ? []
      : this.kept.slice(-count).map(({ request, body }) => ({
          method: request.method ?? '',
          path: request.url ?? '',
          headers: masked(request),
          body: parsed(body),
        }));
  }

  reset(): void {
    this.kept = [];
    this.bytes = 0;
  }
}

function masked(request: IncomingMessage): Record<string, string | string[]> {
  const shown: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value === undefined) continue;
    shown[name] = CREDENTIALS.has(name) ? mask(String(value)) : value;
  }
  return shown;
}

/** `Bearer ***cdef`: the scheme, and enough of a long key to tell two apart. */
function mask(credential: string): string {
  const [, scheme = '', secret = ''] = /^(Bearer |Basic )?(.*)$/is.exec(credential) ?? [];
  return `${scheme}***${secret.length >= LONG_ENOUGH_TO_SHOW_TAIL ? secret.slice(-SHOWN_TAIL) : ''}`;
}

function parsed(body: Buffer): unknown {
  const text = body.toString();
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
