import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { OpenLoad } from './open-load';

const good = 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n' + 'x'.repeat(100);
const refusal = 'HTTP/1.1 429 Too Many Requests\r\ncontent-length: 2\r\n\r\n{}';
const request = Buffer.from('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
const expected = { status: 200, bodyBytes: 100 } as const;

let server: Server;

/** `answer` gets the number of each request, from 1. */
async function serve(answer: (socket: Socket, count: number) => void): Promise<number> {
  let served = 0;
  server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', () => answer(socket, (served += 1)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

afterEach(() => server?.close());

describe('an open load', () => {
  it('sends as many as the rate says, however slow the answers are', async () => {
    const port = await serve((socket) => setTimeout(() => socket.write(good), 100));
    const { latenciesMs, latenessMs } = await new OpenLoad({
      port,
      exchanges: [{ request, expected }],
      perSecond: 200,
    }).run(300);
    expect(latenciesMs).toHaveLength(60);
    expect(latenessMs).toHaveLength(60);
    expect(Math.min(...latenciesMs)).toBeGreaterThan(98);
  });

  it('charges a stall to all who would have come meanwhile', async () => {
    const stalled: Socket[] = [];
    const stallMs = 200;
    const port = await serve((socket, count) => {
      if (count === 10) {
        setTimeout(() => {
          for (const each of stalled) each.write(good);
          stalled.length = 0;
        }, stallMs);
      }
      if (count === 10 || stalled.length > 0) stalled.push(socket);
      else socket.write(good);
    });
    const { latenciesMs } = await new OpenLoad({ port, exchanges: [{ request, expected }], perSecond: 200 }).run(400);
    // A closed loop would have sent one request in that time. Of 40 that were due, half waited for half of it.
    expect(latenciesMs.filter((latencyMs) => latencyMs > stallMs / 2).length).toBeGreaterThanOrEqual(15);
  });

  it('tells when each reply began, and which exchange it belongs to', async () => {
    const port = await serve((socket) => {
      socket.write(good.slice(0, -50));
      setTimeout(() => socket.write(good.slice(-50)), 60);
    });
    const exchange = { request, expected };
    const run = await new OpenLoad({ port, exchanges: [exchange, exchange], perSecond: 100 }).run(100);
    expect(run.exchanges.toSorted()).toEqual([0, 0, 0, 0, 0, 1, 1, 1, 1, 1]);
    run.beginningsMs.forEach((ms, index) => expect(run.latenciesMs[index]! - ms).toBeGreaterThan(50));
  });

  it('counts refusals where they are an answer', async () => {
    const port = await serve((socket, count) => socket.write(count <= 5 ? good : refusal));
    const load = new OpenLoad({ port, exchanges: [{ request, expected }], perSecond: 100, mayBeRefused: true });
    expect(await load.run(200)).toMatchObject({ latenciesMs: { length: 5 }, refused: 15 });
  });

  it.each<[string, (socket: Socket) => void, string]>([
    ['refuses', (socket) => socket.write(refusal), '429'],
    ['answers in part', (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nxxxxxxxxx'), '9 bytes'],
    ['hangs up', (socket) => socket.destroy(), 'closed a connection before its reply'],
  ])('does not take a subject for quick that %s', async (_what, answer, complaint) => {
    const port = await serve((socket, count) => (count <= 5 ? socket.write(good) : answer(socket)));
    await expect(new OpenLoad({ port, exchanges: [{ request, expected }], perSecond: 100 }).run(2000)).rejects.toThrow(
      complaint,
    );
  });
});
