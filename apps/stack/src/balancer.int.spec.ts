import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Balancer, type BalancerTarget } from './balancer';

interface Backend {
  target: { port: number; ready: boolean; draining: boolean };
  sockets: Socket[];
  server: Server;
}

const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function backend(onConnection: (socket: Socket) => void): Promise<Backend> {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    onConnection(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return { target: { port: (server.address() as AddressInfo).port, ready: true, draining: false }, sockets, server };
}

const named = (name: string) => backend((socket) => socket.write(name));

async function balancer(targets: readonly BalancerTarget[], waitMs?: number): Promise<number> {
  const front = new Balancer({ targets: () => targets, ...(waitMs !== undefined && { waitMs }) });
  const port = await front.listen(0, '127.0.0.1');
  closers.push(() => front.close());
  return port;
}

async function dial(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  closers.push(() => Promise.resolve(socket.destroy()));
  return socket;
}

/** Unlike `once`, does not mind how it came to that. */
function closeOf(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => socket.once('close', resolve));
}

async function greetingOf(port: number): Promise<string> {
  const socket = await dial(port);
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  return chunk.toString();
}

async function freedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

test('connections go to those that are ready, in turn', async () => {
  const [a, b, c] = [await named('a'), await named('b'), await named('c')];
  b.target.ready = false;
  const port = await balancer([a.target, b.target, c.target]);
  const seen = [];
  for (let index = 0; index < 4; index++) seen.push(await greetingOf(port));
  expect(seen).toEqual(['a', 'c', 'a', 'c']);
});

test('one that drains gets no new connection and keeps those it has', async () => {
  const [a, b] = [await backend((socket) => socket.pipe(socket)), await named('b')];
  const targets = [a.target];
  const port = await balancer(targets);
  const kept = await dial(port);
  kept.write('one');
  expect(String((await once(kept, 'data'))[0])).toBe('one');
  a.target.draining = true;
  targets.push(b.target);
  for (let index = 0; index < 3; index++) expect(await greetingOf(port)).toBe('b');
  kept.write('two');
  expect(String((await once(kept, 'data'))[0])).toBe('two');
});

test('where one refuses, the next is asked, and the client sees nothing of it', async () => {
  const alive = await named('alive');
  const dead = { port: await freedPort(), ready: true, draining: false };
  const port = await balancer([dead, alive.target]);
  for (let index = 0; index < 4; index++) expect(await greetingOf(port)).toBe('alive');
});

test('where nobody is ready, one that takes connections all the same is better than none', async () => {
  const [alive, draining] = [await named('alive'), await named('draining')];
  alive.target.ready = false;
  draining.target.draining = true;
  const port = await balancer([draining.target, alive.target]);
  expect(await greetingOf(port)).toBe('alive');
});

test('while nobody is there a connection waits, with what it already sent', async () => {
  const targets: BalancerTarget[] = [];
  const port = await balancer(targets);
  const client = await dial(port);
  client.write('early');
  await delay(200);
  const echo = await backend((socket) => socket.pipe(socket));
  targets.push(echo.target);
  expect(String((await once(client, 'data'))[0])).toBe('early');
});

test('a connection that nobody takes in time is reset', async () => {
  const port = await balancer([], 100);
  const client = await dial(port);
  client.resume();
  const [error] = (await once(client, 'error')) as [NodeJS.ErrnoException];
  expect(error.code).toBe('ECONNRESET');
});

test('no byte is lost or turned around when the reader is slow, and the writer is slowed', async () => {
  const payload = randomBytes(48 * 1024 * 1024);
  let written = 0;
  const source = await backend((socket) => {
    void (async () => {
      for (let at = 0; at < payload.length; at += 65_536) {
        const more = socket.write(payload.subarray(at, at + 65_536));
        written = at + 65_536;
        if (!more) await once(socket, 'drain');
      }
      socket.end();
    })();
  });
  const port = await balancer([source.target]);
  const client = await dial(port);
  client.pause();
  await delay(500);
  // Kernel buffers hold some megabytes; a balancer that buffered by itself would have taken all of it.
  expect(written).toBeLessThan(24 * 1024 * 1024);
  const hash = createHash('sha256');
  let length = 0;
  for await (const chunk of client) {
    hash.update(chunk as Buffer);
    length += (chunk as Buffer).length;
  }
  expect(length).toBe(payload.length);
  expect(hash.digest('hex')).toBe(createHash('sha256').update(payload).digest('hex'));
});

test('a client that has said all it has to say still gets the whole answer', async () => {
  const answering = await backend((socket) => {
    let heard = '';
    socket.on('data', (chunk: Buffer) => (heard += chunk.toString()));
    socket.on('end', () => {
      socket.write(`heard ${heard}, `);
      setTimeout(() => socket.end('bye'), 50);
    });
  });
  const client = await dial(await balancer([answering.target]));
  client.end('hello');
  let answer = '';
  for await (const chunk of client) answer += String(chunk);
  expect(answer).toBe('heard hello, bye');
});

test('a server that ends first lets its client finish', async () => {
  const heard: string[] = [];
  const ending = await backend((socket) => {
    socket.on('data', (chunk: Buffer) => heard.push(chunk.toString()));
    socket.end('bye');
  });
  const client = await dial(await balancer([ending.target]));
  client.resume();
  await once(client, 'end');
  client.end('last words');
  await once(client, 'close');
  await delay(50);
  expect(heard.join('')).toBe('last words');
});

test('a server’s break is a break for the client, not an end', async () => {
  const breaking = await backend((socket) => {
    socket.write('half of');
    setTimeout(() => socket.resetAndDestroy(), 50);
  });
  const client = await dial(await balancer([breaking.target]));
  let ended = false;
  client.on('end', () => (ended = true));
  client.resume();
  const [error] = (await once(client, 'error')) as [NodeJS.ErrnoException];
  expect(error.code).toBe('ECONNRESET');
  expect(ended).toBe(false);
});

test('a client’s break is a break for the server, even while it is being written to', async () => {
  const writing = await backend((socket) => {
    const timer = setInterval(() => socket.write('x'.repeat(65_536)), 5);
    socket.on('close', () => clearInterval(timer));
  });
  const client = await dial(await balancer([writing.target]));
  client.resume();
  await once(client, 'data');
  const [socket] = writing.sockets;
  const closed = closeOf(socket!);
  client.resetAndDestroy();
  await closed;
  expect(socket!.readableEnded).toBe(false);
});

test('a quiet connection is never timed out', async () => {
  const echo = await backend((socket) => socket.pipe(socket));
  const client = await dial(await balancer([echo.target]));
  await delay(1500);
  client.write('still here');
  expect(String((await once(client, 'data'))[0])).toBe('still here');
});

test('closing breaks what is open and frees the port', async () => {
  const echo = await backend((socket) => socket.pipe(socket));
  const front = new Balancer({ targets: () => [echo.target] });
  const port = await front.listen(0, '127.0.0.1');
  const client = await dial(port);
  client.write('x');
  await once(client, 'data');
  expect(front.connections).toBe(1);
  const closed = closeOf(client);
  const broken = closeOf(echo.sockets[0]!);
  await front.close();
  await closed;
  await broken;
  expect(echo.sockets[0]!.readableEnded).toBe(false);
  const again = new Balancer({ targets: () => [] });
  expect(await again.listen(port, '127.0.0.1')).toBe(port);
  await again.close();
});
