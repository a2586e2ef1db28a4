import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Load, probe } from './load';
import { CannedUpstream } from './upstream';
import { answerOf } from './wire/answer';
import { answerText } from './wire/replies';
import { wireRequest } from './wire/requests';

const good = 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n' + 'x'.repeat(100);
const request = Buffer.from('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
const expected = { status: 200, bodyBytes: 100 } as const;

let server: Server;

/** Answers the first twenty requests well, and those after them with `later`. */
async function serve(later: (socket: Socket) => void): Promise<number> {
  let served = 0;
  server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', () => {
      served += 1;
      if (served <= 20) socket.write(good);
      else later(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

afterEach(() => server?.close());

describe('a load', () => {
  it('counts the replies it got', async () => {
    const port = await serve((socket) => socket.write(good));
    const load = new Load(port, [{ request, expected }], 4);
    const first = await load.run(100);
    expect(first).toBeGreaterThan(20);
    expect(await load.run(100)).toBeGreaterThan(0);
    load.close();
  });

  it.each<[string, (socket: Socket) => void, string]>([
    ['refuses', (socket) => socket.write('HTTP/1.1 500 X\r\ncontent-length: 100\r\n\r\n' + 'x'.repeat(100)), '500'],
    ['answers in part', (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nxxxxxxxxx'), '9 bytes'],
    ['hangs up', (socket) => socket.destroy(), 'closed a connection before its reply'],
  ])('does not take a subject for quick that %s', async (_what, later, complaint) => {
    const load = new Load(await serve(later), [{ request, expected }], 4);
    await expect(load.run(2000)).rejects.toThrow(complaint);
    load.close();
  });
});

describe('the canned upstream', () => {
  const upstream = new CannedUpstream();
  let port: number;
  beforeAll(async () => {
    port = await upstream.listen();
  });
  afterAll(() => upstream.close());

  const requestOf = (client: 'anthropic' | 'chat', streaming: boolean) =>
    wireRequest({ client, upstream: client, bodyBytes: 1024, streaming }, port);

  it.each(['anthropic', 'chat'] as const)('answers in %s, however it is to deliver', async (dialect) => {
    for (const delivery of ['whole', 'separate', 'batched'] as const) {
      upstream.serve(delivery, 900);
      const body = await probe(port, requestOf(dialect, delivery !== 'whole'));
      expect(answerOf(dialect, delivery !== 'whole', body)).toBe(answerText);
    }
  });

  it('refuses a request that lost some of its body', async () => {
    upstream.serve('whole', 2000);
    await expect(probe(port, requestOf('chat', false))).rejects.toThrow('400');
  });

  it('takes as long to answer as it was told', async () => {
    const slow = new CannedUpstream(100);
    try {
      const slowPort = await slow.listen();
      const startedAtMs = performance.now();
      await probe(slowPort, requestOf('anthropic', false));
      expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(99);
    } finally {
      slow.close();
    }
  });

  it('answers each as it asks to be answered', async () => {
    upstream.serve('as asked', 0);
    for (const streaming of [true, false]) {
      const body = await probe(port, requestOf('chat', streaming));
      expect(answerOf('chat', streaming, body)).toBe(answerText);
    }
  });

  it('counts what it served', async () => {
    upstream.serve('whole', 0);
    const before = upstream.served;
    await probe(port, requestOf('anthropic', false));
    expect(upstream.served).toBe(before + 1);
  });
});
