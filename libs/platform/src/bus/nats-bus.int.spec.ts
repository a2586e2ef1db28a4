import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Bus, BusUnavailableError } from '@switchboard/contracts';
import { connect } from 'nats';
import type { LocalServer } from '../local-servers/local-server';
import { Contender, leaseConformance } from '../lease/lease.conformance';
import { startNats } from '../local-servers/nats';
import { createLogger } from '../logging/logger';
import { busConformance, bytes, freshName, freshStream, recorder, text, until } from './bus.conformance';
import { busHealth } from './bus-health';
import { openNatsBus } from './nats-bus';

jest.setTimeout(30_000);

const silent = createLogger({ level: 'silent', name: 'test' });
const all = { sizeMax: 100, waitMs: 20 };

let folder: string;
let server: LocalServer;
const opened: Bus[] = [];
let logged: string[];

beforeEach(async () => {
  logged = [];
  folder = await mkdtemp(path.join(tmpdir(), 'bus-'));
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((bus) => bus.close()));
  await rm(folder, { recursive: true, force: true });
});

function openBus(url: string, ackWaitMs?: number): Bus {
  const log = createLogger({ level: 'debug', name: 'test' }, { write: (line) => void logged.push(line) });
  const bus = openNatsBus({ url, name: 'test', log, ...(ackWaitMs !== undefined && { ackWaitMs }) });
  opened.push(bus);
  return bus;
}

async function connectedBus(url: string, ackWaitMs?: number): Promise<Bus> {
  const bus = openBus(url, ackWaitMs);
  await until(() => bus.connected, 'the connection');
  return bus;
}

const warnings = (words: string): string[] =>
  logged.filter((line) => line.includes('"level":"warn"') && line.includes(words));

describe('with a server that stays', () => {
  let steady: LocalServer;
  let steadyFolder: string;
  beforeAll(async () => {
    steadyFolder = await mkdtemp(path.join(tmpdir(), 'bus-steady-'));
    steady = await startNats({ folder: steadyFolder, log: silent });
  }, 60_000);
  afterAll(async () => {
    await steady.stop();
    await rm(steadyFolder, { recursive: true, force: true });
  });

  describe('the bus over NATS', () => {
    busConformance(async () => {
      const bus = openNatsBus({ url: steady.url, name: 'test', log: silent });
      await until(() => bus.connected, 'the connection');
      return bus;
    });
  });

  describe('the lease over NATS', () => {
    leaseConformance(() => connectedBus(steady.url));
  });

  test('two processes reach one another: requests, messages, streams and buckets', async () => {
    const [here, there] = [await connectedBus(steady.url), await connectedBus(steady.url)];
    const subject = freshName();
    const stream = freshStream();
    const name = freshName();
    const heard: string[] = [];
    there.serve(subject, 'group', (payload) => Promise.resolve(bytes(`${text(payload)} there`)));
    there.subscribe(`${subject}.told`, (payload) => void heard.push(text(payload)!));
    there.consume(stream, 'reader', all, async (messages) => void heard.push(...messages.map((m) => text(m.payload)!)));
    const watcher = recorder();
    there.bucket({ name }).watch(watcher);
    await until(() => watcher.told.includes('current'));
    expect(text(await here.request(subject, bytes('from here'), { timeoutMs: 5_000 }))).toBe('from here there');
    here.publish(`${subject}.told`, bytes('message'));
    await here.append(stream, bytes('appended'), 'a');
    await here.bucket({ name }).put('a', bytes('1'));
    await until(() => heard.length === 2 && watcher.told.includes('a=1'));
    expect(heard.sort()).toEqual(['appended', 'message']);
  });

  test('a stream, its consumer, or a bucket that somebody deletes is made again, and those who use it go on', async () => {
    const bus = await connectedBus(steady.url);
    const stream = freshStream();
    const bucket = { name: freshName() };
    const read: string[] = [];
    bus.consume(stream, 'reader', all, async (messages) => void read.push(...messages.map((m) => text(m.payload)!)));
    await bus.append(stream, bytes('a'), 'a');
    const watchers = [recorder(), recorder(true)];
    for (const watcher of watchers) bus.bucket(bucket).watch(watcher);
    await bus.bucket(bucket).put('before', bytes('1'));
    await until(() => read.length === 1 && watchers.every(({ told }) => told.includes('before=1')));
    const operator = await connect({ servers: `127.0.0.1:${steady.port}` });
    const manager = await operator.jetstreamManager();
    await manager.consumers.delete(stream.name, 'reader');
    await until(() => warnings('reading the stream').length === 1, 'a warning');
    await until(() => logged.some((line) => line.includes('works again')));
    read.length = 0;
    await manager.streams.delete(stream.name);
    await manager.streams.delete(`KV_${bucket.name}`);
    await operator.close();
    await bus.append(stream, bytes('b'), 'b');
    await bus.bucket(bucket).put('after', bytes('2'));
    await until(() => read.includes('b'), 'reading on');
    const told = (): boolean => watchers.every((watcher) => watcher.told.includes('after=2'));
    for (let patience = 0; !told() && patience < 15; patience++) await delay(1_000);
    expect(told()).toBe(true);
  }, 60_000);

  test('a steady trickle is read without a pause', async () => {
    const bus = await connectedBus(steady.url);
    const stream = freshStream();
    const taken = new Map<string, number>();
    bus.consume(stream, 'reader', { sizeMax: 100, waitMs: 5 }, async (messages) => {
      for (const { payload } of messages) taken.set(text(payload)!, performance.now());
    });
    const sentAtMs = new Map<string, number>();
    const endsAtMs = performance.now() + 8_000;
    const trickle = async (name: string): Promise<void> => {
      for (let count = 0; performance.now() < endsAtMs; count++) {
        const id = `${name}${count}`;
        sentAtMs.set(id, performance.now());
        await bus.append(stream, bytes(id), id);
        await delay(8 * Math.random());
      }
    };
    await Promise.all(['a', 'b', 'c'].map(trickle));
    await until(() => taken.size === sentAtMs.size, 'all of them');
    const waitedMs = [...sentAtMs].map(([id, at]) => taken.get(id)! - at);
    expect(Math.max(...waitedMs)).toBeLessThan(2_000);
    expect(warnings('reading the stream')).toEqual([]);
  });

  test('a stream whose definition has changed gets its new shape and keeps its messages', async () => {
    const stream = freshStream();
    const before = await connectedBus(steady.url);
    await before.append(stream, bytes('a'), 'a');
    const after = await connectedBus(steady.url);
    await after.append({ ...stream, maxAgeMs: 120_000 }, bytes('b'), 'b');
    expect(await after.backlog(stream, 'reader')).toMatchObject({ pending: 2, lastSequence: 2 });
    const operator = await connect({ servers: `127.0.0.1:${steady.port}` });
    const { config } = await (await operator.jetstreamManager()).streams.info(stream.name);
    await operator.close();
    expect(config.max_age).toBe(120_000 * 1e6);
  });

  test('what somebody deletes from a stream no longer keeps its last message from being acknowledged', async () => {
    const bus = await connectedBus(steady.url);
    const stream = freshStream();
    const acknowledged = async (): Promise<number> => (await bus.backlog(stream, 'reader')).acknowledgedSequence;
    const reading = bus.consume(stream, 'reader', all, () => Promise.resolve());
    await bus.append(stream, bytes('a'), 'a');
    await until(async () => (await acknowledged()) === 1);
    await reading.stop();
    for (const each of ['b', 'c']) await bus.append(stream, bytes(each), each);
    const operator = await connect({ servers: `127.0.0.1:${steady.port}` });
    const manager = await operator.jetstreamManager();
    await manager.streams.deleteMessage(stream.name, 3);
    const waiting = { pending: 1, unacknowledged: 0, redelivered: 0, lastSequence: 3, acknowledgedSequence: 1 };
    expect(await bus.backlog(stream, 'reader')).toEqual(waiting);
    await manager.streams.deleteMessage(stream.name, 2);
    await operator.close();
    await until(async () => (await bus.backlog(stream, 'reader')).pending === 0);
    const gone = { pending: 0, unacknowledged: 0, redelivered: 0, lastSequence: 3, acknowledgedSequence: 3 };
    expect(await bus.backlog(stream, 'reader')).toEqual(gone);
  });

  test('a payload larger than the server carries is the fault of who sends it, not an outage', async () => {
    const bus = await connectedBus(steady.url);
    const tooLarge = new Uint8Array(2 * 1024 * 1024);
    await expect(bus.append(freshStream(), tooLarge, 'a')).rejects.toThrow(RangeError);
    await expect(bus.bucket({ name: freshName() }).put('a', tooLarge)).rejects.toThrow(RangeError);
    bus.publish(freshName(), tooLarge);
    expect(logged.some((line) => line.includes('could not be published'))).toBe(true);
    expect(bus.connected).toBe(true);
  });
});

describe('with a server that comes and goes', () => {
  afterEach(() => server.stop('SIGKILL'));

  test('an outage ends the leading; a server that comes back with nothing has one of them lead again', async () => {
    server = await startNats({ folder, log: silent });
    const { url, port } = server;
    const contenders = [new Contender(openBus(url), 'k', 'a'), new Contender(openBus(url), 'k', 'b')];
    const leaders = () => contenders.filter(({ lease }) => lease.leading);
    await until(() => leaders().length === 1);
    await server.stop('SIGKILL');
    await until(() => leaders().length === 0, 'the end of the leading');
    await rm(folder, { recursive: true, force: true });
    server = await startNats({ folder, port, log: silent });
    await until(() => leaders().length === 1, 'the leading after the outage');
    await Promise.all(contenders.map(({ lease }) => lease.stop()));
  });

  test('what is set up before the server exists takes effect once it does; until then all else fails at once', async () => {
    server = await startNats({ folder, log: silent });
    const { url, port } = server;
    await server.stop();
    const bus = openBus(url);
    const health = busHealth(bus, { required: true, name: 'nats' });
    const stream = freshStream();
    const bucket = bus.bucket({ name: freshName() });
    const subject = freshName();
    const heard: string[] = [];
    const watcher = recorder();
    let connections = 0;
    bus.onConnected(() => void connections++);
    bus.serve(subject, 'group', (payload) => Promise.resolve(payload));
    bus.subscribe(`${subject}.told`, (payload) => void heard.push(text(payload)!));
    bus.consume(stream, 'reader', all, async (messages) => void heard.push(...messages.map((m) => text(m.payload)!)));
    bucket.watch(watcher);
    expect(bus.connected).toBe(false);
    await expect(health.check()).rejects.toThrow('not connected');
    const began = performance.now();
    const attempts = [
      bus.request(subject, bytes('x'), { timeoutMs: 5_000 }),
      bus.append(stream, bytes('x'), 'x'),
      bus.backlog(stream, 'reader'),
      bucket.get('a'),
      bucket.put('a', bytes('x')),
      bucket.create('a', bytes('x')),
      bucket.update('a', bytes('x'), 1),
      bucket.delete('a'),
      bucket.keys(),
    ];
    for (const attempt of await Promise.allSettled(attempts)) {
      expect(attempt).toMatchObject({ status: 'rejected', reason: expect.any(BusUnavailableError) });
    }
    expect(performance.now() - began).toBeLessThan(200);
    bus.publish(subject, bytes('nobody hears this'));
    await delay(1_500);
    expect(warnings('waiting for NATS')).toHaveLength(1);

    server = await startNats({ folder, port, log: silent });
    await until(() => watcher.told.includes('current'));
    await health.check();
    expect(connections).toBe(1);
    expect(logged.filter((line) => line.includes('back at NATS'))).toHaveLength(1);
    expect(text(await bus.request(subject, bytes('x'), { timeoutMs: 5_000 }))).toBe('x');
    bus.publish(`${subject}.told`, bytes('message'));
    await bus.append(stream, bytes('appended'), 'a');
    await bucket.put('a', bytes('1'));
    await until(() => heard.length === 2 && watcher.told.includes('a=1'));
  }, 30_000);

  test('a server that is killed and comes back is used again: nothing confirmed is lost, no change is missed', async () => {
    server = await startNats({ folder, log: silent });
    const { url, port } = server;
    const bus = await connectedBus(url);
    const stream = freshStream();
    const bucket = bus.bucket({ name: freshName() });
    const subject = freshName();
    const read: string[] = [];
    const watchers = { all: recorder(), updates: recorder(true) };
    let connections = 0;
    bus.onConnected(() => void connections++);
    bus.serve(subject, 'group', (payload) => Promise.resolve(payload));
    bus.consume(stream, 'reader', all, async (messages) => void read.push(...messages.map((m) => text(m.payload)!)));
    await bucket.put('present', bytes('1'));
    for (const watcher of Object.values(watchers)) bucket.watch(watcher);
    await until(() => Object.values(watchers).every(({ told }) => told.includes('current')));
    await bucket.put('kept', bytes('1'));
    await bus.append(stream, bytes('a'), 'a');
    await until(() => read.length === 1 && watchers.updates.told.includes('kept=1'));

    const waiting = bus.request(subject, bytes('x'), { timeoutMs: 5_000 });
    await waiting;
    await server.stop('SIGKILL');
    await until(() => !bus.connected, 'the loss');
    await expect(bus.append(stream, bytes('b'), 'b')).rejects.toThrow(BusUnavailableError);

    server = await startNats({ folder, port, log: silent });
    // Somebody who is there first: changes that happen before the watchers are back.
    const operator = await connect({ servers: `127.0.0.1:${port}` });
    const kv = await operator.jetstream().views.kv(await kvName(operator), { bindOnly: true });
    await kv.put('meanwhile', bytes('1'));
    await kv.delete('present');
    await until(() => bus.connected, 'the connection');
    await until(() => Object.values(watchers).every(({ told }) => told.includes('present deleted')));
    await until(() => Object.values(watchers).every(({ told }) => told.filter((t) => t === 'current').length === 2));
    await operator.close();
    expect(watchers.all.told).toContain('meanwhile=1');
    // Whoever is back before the operator changes anything is current before the changes.
    expect(watchers.updates.told.filter((each) => each !== 'current')).toEqual([
      'kept=1',
      'meanwhile=1',
      'present deleted',
    ]);
    await bus.append(stream, bytes('b'), 'b');
    await until(() => read.includes('b'));
    expect(read).toEqual(['a', 'b']);
    expect(text(await bus.request(subject, bytes('x'), { timeoutMs: 5_000 }))).toBe('x');
    await until(() => connections === 2);
    expect(warnings('waiting for NATS')).toHaveLength(1);
    expect(logged.filter((line) => line.includes('back at NATS'))).toHaveLength(1);
  }, 60_000);

  test.each([
    ['fewer', 1],
    ['more', 30],
  ])(
    'after a start from nothing, %s revisions later, everything is made again and watchers hear all there is',
    async (_, entries) => {
      server = await startNats({ folder, log: silent });
      const { url, port } = server;
      const bus = await connectedBus(url);
      const stream = freshStream();
      const name = freshName();
      const bucket = bus.bucket({ name });
      const read: string[] = [];
      const watchers = [recorder(), recorder(true)];
      for (const watcher of watchers) bucket.watch(watcher);
      bus.consume(stream, 'reader', all, async (messages) => void read.push(...messages.map((m) => text(m.payload)!)));
      for (let index = 0; index < 10; index++) await bucket.put(`old.${index}`, bytes('1'));
      await bus.append(stream, bytes('a'), 'a');
      await until(() => read.length === 1 && watchers.every(({ told }) => told.includes('old.9=1')));
      await server.stop('SIGKILL');
      await until(() => !bus.connected, 'the loss');

      // Filled elsewhere first, so that the watchers find it as it is.
      const another = { folder: path.join(folder, 'another'), log: silent };
      server = await startNats(another);
      const other = await connectedBus(server.url);
      for (let index = 0; index < entries; index++) await other.bucket({ name }).put(`new.${index}`, bytes('2'));
      await server.stop();
      server = await startNats({ ...another, port });
      await until(() => watchers.every(({ told }) => told.filter((each) => each === 'current').length === 2));
      for (const { told } of watchers) {
        expect(told.filter((each) => /^new\.\d+=2$/.test(each))).toHaveLength(entries);
      }
      expect(await bucket.get('old.1')).toBeUndefined();
      await bus.append(stream, bytes('b'), 'b');
      await until(() => read.includes('b'));
      await bucket.put('last', bytes('2'));
      await until(() => watchers.every(({ told }) => told.includes('last=2')));
    },
  );

  test('a server that hangs counts as gone within 12 s, and what waited for its answer has failed by then', async () => {
    server = await startNats({ folder, log: silent });
    const bus = await connectedBus(server.url);
    process.kill(server.pid, 'SIGSTOP');
    // A signal takes effect a moment later: until then it would still say that nobody serves.
    await delay(300);
    const began = performance.now();
    const asked = bus.request('nobody', bytes('x'), { timeoutMs: 60_000 });
    await expect(asked).rejects.toThrow(BusUnavailableError);
    expect(performance.now() - began).toBeLessThan(12_000);
    expect(bus.connected).toBe(false);
    process.kill(server.pid, 'SIGCONT');
    await until(() => bus.connected, 'the connection');
  }, 60_000);

  test('a handler that is under way when the connection ends finishes, and its batch comes again', async () => {
    server = await startNats({ folder, log: silent });
    const { url, port } = server;
    const bus = await connectedBus(url, 3_000);
    const stream = freshStream();
    const seen: number[] = [];
    let finished = 0;
    bus.consume(stream, 'reader', all, async ([message]) => {
      seen.push(message!.deliveries);
      await delay(300);
      finished++;
    });
    await bus.append(stream, bytes('a'), 'a');
    await until(() => seen.length === 1);
    await server.stop('SIGKILL');
    server = await startNats({ folder, port, log: silent });
    await until(() => bus.connected && finished === 1);
    // An acknowledgement that nobody heard is overdue after three seconds.
    for (let patience = 0; seen.length < 2 && patience < 90; patience++) await delay(200);
    expect(seen).toEqual([1, 2]);
  }, 90_000);

  test('a bus that never was connected closes at once', async () => {
    server = await startNats({ folder, log: silent });
    await server.stop();
    const bus = openBus(server.url);
    bus.consume(freshStream(), 'reader', all, () => Promise.resolve());
    bus.bucket({ name: freshName() }).watch(recorder());
    bus.serve(freshName(), 'group', (payload) => Promise.resolve(payload));
    await delay(300);
    const began = performance.now();
    await bus.close();
    expect(performance.now() - began).toBeLessThan(500);
  });
});

describe('signing in', () => {
  test('credentials of the URL are sent, and never logged', async () => {
    const connects: string[] = [];
    // Who listens here tells what a client says when it connects, then refuses it.
    const listener = createServer((socket) => {
      socket.write('INFO {"server_id":"x","version":"2.9.10","max_payload":1048576,"auth_required":true}\r\n');
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        connects.push(chunk.toString());
        socket.end("-ERR 'Authorization Violation'\r\n");
      });
    }).listen(0, '127.0.0.1');
    await until(() => listener.listening);
    const { port } = listener.address() as { port: number };
    const bus = openBus(`nats://somebody:s3cr%21t-word@127.0.0.1:${port}`);
    await until(() => connects.length >= 3, 'three attempts');
    expect(connects[0]).toContain('"user":"somebody"');
    expect(connects[0]).toContain('"pass":"s3cr!t-word"');
    await bus.close();
    listener.close();
    expect(warnings(`waiting for NATS at nats://127.0.0.1:${port}`)).toHaveLength(1);
    expect(warnings('Authorization Violation').length).toBeGreaterThan(0);
    expect(logged.join()).not.toMatch(/s3cr|somebody/);
  });

  test('a URL that is none is refused without repeating it', () => {
    for (const url of ['http://user:s3cret@host', 'nats//user:s3cret@host', '']) {
      expect(() => openNatsBus({ url, name: 'test', log: silent })).toThrow('not a NATS address');
      expect(() => openNatsBus({ url, name: 'test', log: silent })).not.toThrow('s3cret');
    }
  });
});

/** The one bucket there is. */
async function kvName(operator: Awaited<ReturnType<typeof connect>>): Promise<string> {
  const manager = await operator.jetstreamManager();
  for await (const name of manager.streams.names()) if (name.startsWith('KV_')) return name.slice(3);
  throw new Error('there is no bucket');
}
