import { type Agent, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';

export interface Call {
  method?: string;
  path: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
  /** Ends the call from the client's side. */
  signal?: AbortSignal;
  /** Whose connections are kept and used again; absent: one of its own. */
  agent?: Agent;
}

/** A whole reply as it came over the socket, decoded no further than HTTP. */
export interface RawReply {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
  text: string;
  /** False where the connection broke before the end of the body. */
  complete: boolean;
}

/** One request, read to its end. Rejects where no status line ever came. */
export async function send(baseUrl: string, call: Call): Promise<RawReply> {
  const response = await open(baseUrl, call);
  return readWhole(response);
}

/** The same, handed over at the head of the reply: nothing of the body is read yet. */
export function open(baseUrl: string, call: Call): Promise<IncomingMessage> {
  const url = new URL(baseUrl);
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({
      host: url.hostname,
      port: url.port,
      // As it is: a URL object would normalize what the test spells out.
      path: call.path,
      method: call.method ?? (call.body === undefined ? 'GET' : 'POST'),
      agent: call.agent ?? false,
      headers: {
        ...(call.body !== undefined && {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(call.body),
        }),
        ...call.headers,
      },
      ...(call.signal && { signal: call.signal }),
    });
    outgoing.on('response', resolve);
    outgoing.on('error', reject);
    outgoing.end(call.body);
  });
}

export async function readWhole(response: IncomingMessage): Promise<RawReply> {
  const chunks: Buffer[] = [];
  let complete = true;
  try {
    for await (const chunk of response) chunks.push(chunk as Buffer);
  } catch {
    // What broke the body is told by `complete`; what came of it is still worth reading.
    complete = false;
  }
  const body = Buffer.concat(chunks);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body,
    text: body.toString('utf8'),
    complete: complete && response.complete,
  };
}
