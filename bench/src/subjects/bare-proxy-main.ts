/**
 * The yardstick: the least a Node proxy can do. `node:http` in, undici's `Pool.dispatch` out, no parsing, no features.
 * PORT and UPSTREAM_PORT come from the environment.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Pool } from 'undici';

const pool = new Pool(`http://127.0.0.1:${process.env['UPSTREAM_PORT']}`);

function forward(request: IncomingMessage, body: Buffer, response: ServerResponse): void {
  const { host: _host, connection: _connection, ...headers } = request.headers;
  let abort: ((error?: Error) => void) | undefined;
  response.on('close', () => {
    if (!response.writableFinished) abort?.();
  });
  // The callbacks undici calls deprecated: the newer ones build a header object per reply, which a bare proxy need not.
  const options = { path: request.url ?? '/', method: request.method ?? 'GET', headers, body };
  pool.dispatch(options, {
    onConnect: (abortRequest) => {
      abort = abortRequest;
    },
    onHeaders: (status, rawHeaders, resume) => {
      response.writeHead(
        status,
        rawHeaders.map((value) => value.toString('latin1')),
      );
      response.on('drain', resume);
      return true;
    },
    onData: (chunk) => response.write(chunk),
    onComplete: () => response.end(),
    onError: (error) => {
      if (response.headersSent) response.destroy(error);
      else response.writeHead(502).end();
    },
  });
}

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () =>
    forward(request, chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks), response),
  );
});

server.listen(Number(process.env['PORT']), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
