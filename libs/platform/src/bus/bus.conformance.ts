import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Backlog,
  type Bucket,
  type BucketEntry,
  type Bus,
  BusUnavailableError,
  RemoteError,
  type StreamDefinition,
  type StreamMessage,
} from '@switchboard/contracts';

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (payload: Uint8Array | undefined): string | undefined =>
  payload && new TextDecoder().decode(payload);

/** Resolves when `seen` holds; fails, with what it last said, after 10 s. */
export async function until(seen: () => boolean | Promise<boolean>, doing = 'it'): Promise<void> {
  const endsAtMs = performance.now() + 10_000;
  while (!(await seen())) {
    if (performance.now() > endsAtMs) throw new Error(`${doing} did not happen within 10 s`);
    await delay(5);
  }
}

export const freshStream = (over: Partial<StreamDefinition> = {}): StreamDefinition => {
  const name = `TEST_${randomUUID().replaceAll('-', '').toUpperCase()}`;
  return { name, subject: `test.${name}`, dedupeWindowMs: 60_000, maxAgeMs: 60_000, ...over };
};

export const freshName = (): string => `test_${randomUUID().replaceAll('-', '')}`;

/** A watcher that keeps what it is told: `key=value@`, `key deleted`, `current`. */
export function recorder(updatesOnly = false): {
  told: string[];
  revisions: number[];
  updatesOnly: boolean;
  onEntry(entry: BucketEntry): void;
  onCurrent(): void;
} {
  const told: string[] = [];
  const revisions: number[] = [];
  return {
    told,
    revisions,
    updatesOnly,
    onEntry: ({ key, value, revision }) => {
      told.push(value === undefined ? `${key} deleted` : `${key}=${text(value)}`);
      revisions.push(revision);
    },
    onCurrent: () => void told.push('current'),
  };
}

const echo = (payload: Uint8Array): Promise<Uint8Array> => Promise.resolve(payload);

/** Holds an implementation to every sentence of the port. `open` gives a connected bus on the same medium each time. */
export function busConformance(open: () => Promise<Bus>): void {
  const opened: Bus[] = [];
  const another = async (): Promise<Bus> => {
    const bus = await open();
    opened.push(bus);
    return bus;
  };
  let bus: Bus;
  beforeEach(async () => (bus = await another()));
  afterEach(() => Promise.all(opened.splice(0).map((each) => each.close())));

  describe('requests', () => {
    test('a request is answered by who serves its subject', async () => {
      const subject = freshName();
      bus.serve(subject, 'group', (payload) => Promise.resolve(bytes(`${text(payload)}, answered`)));
      expect(text(await bus.request(subject, bytes('asked'), { timeoutMs: 5_000 }))).toBe('asked, answered');
    });

    test('each request goes to one of those who give the same group', async () => {
      const subject = freshName();
      const served = [0, 0];
      for (const index of [0, 1] as const) {
        bus.serve(subject, 'group', (payload) => {
          served[index]!++;
          return echo(payload);
        });
      }
      await Promise.all(Array.from({ length: 50 }, () => bus.request(subject, bytes('x'), { timeoutMs: 5_000 })));
      expect(served[0]! + served[1]!).toBe(50);
      expect(Math.min(...served)).toBeGreaterThan(0);
    });

    test('a request that nobody serves fails at once as unavailable', async () => {
      const began = performance.now();
      const asked = bus.request(freshName(), bytes('x'), { timeoutMs: 5_000 });
      await expect(asked).rejects.toThrow(BusUnavailableError);
      expect(performance.now() - began).toBeLessThan(1_000);
    });

    test('a request without an answer in time fails as unavailable', async () => {
      const subject = freshName();
      let answer: (payload: Uint8Array) => void = () => undefined;
      bus.serve(subject, 'group', () => new Promise((resolve) => (answer = resolve)));
      await expect(bus.request(subject, bytes('x'), { timeoutMs: 50 })).rejects.toThrow(BusUnavailableError);
      answer(bytes('late'));
    });

    test('the failure of a handler is told to who asked, with its words', async () => {
      const subject = freshName();
      bus.serve(subject, 'group', () => Promise.reject(new Error('no such müsli')));
      const asked = bus.request(subject, bytes('x'), { timeoutMs: 5_000 });
      await expect(asked).rejects.toThrow(RemoteError);
      await expect(asked).rejects.toThrow('no such müsli');
    });

    test('a handler that throws before its promise fails the same way', async () => {
      const subject = freshName();
      bus.serve(subject, 'group', () => {
        throw new Error('at once');
      });
      await expect(bus.request(subject, bytes('x'), { timeoutMs: 5_000 })).rejects.toThrow(RemoteError);
    });

    test('stop resolves when the requests under way are answered, and takes no more', async () => {
      const subject = freshName();
      let begun = 0;
      let ended = 0;
      const serving = bus.serve(subject, 'group', async (payload) => {
        begun++;
        await delay(100);
        ended++;
        return payload;
      });
      const asked = bus.request(subject, bytes('x'), { timeoutMs: 5_000 });
      await until(() => begun === 1);
      await serving.stop();
      expect(ended).toBe(1);
      expect(text(await asked)).toBe('x');
      await expect(bus.request(subject, bytes('x'), { timeoutMs: 500 })).rejects.toThrow(BusUnavailableError);
      await serving.stop();
    });

    test('under load, a server that stops loses no request', async () => {
      const subject = freshName();
      const leaving = bus.serve(subject, 'group', (payload) => delay(5).then(() => payload));
      bus.serve(subject, 'group', (payload) => delay(5).then(() => payload));
      const asker = bus;
      const asked = Array.from({ length: 500 }, async (_, index) => {
        await delay(index / 5);
        return asker.request(subject, bytes(`${index}`), { timeoutMs: 5_000 });
      });
      await delay(40);
      await leaving.stop();
      const answers = await Promise.all(asked);
      expect(answers.map(text)).toEqual(asked.map((_, index) => `${index}`));
    });
  });

  describe('messages', () => {
    test('everyone who listens hears what is published, in order', async () => {
      const subject = freshName();
      const heard: string[][] = [[], []];
      for (const list of heard) bus.subscribe(subject, (payload) => void list.push(text(payload)!));
      for (const each of ['a', 'b', 'c']) bus.publish(subject, bytes(each));
      await until(() => heard.every((list) => list.length === 3));
      expect(heard).toEqual([
        ['a', 'b', 'c'],
        ['a', 'b', 'c'],
      ]);
    });

    test('who publishes is never called back inside the call, and later changes to its bytes reach nobody', async () => {
      const subject = freshName();
      const heard: string[] = [];
      bus.subscribe(subject, (payload) => void heard.push(text(payload)!));
      const payload = bytes('as it was');
      bus.publish(subject, payload);
      expect(heard).toEqual([]);
      await until(() => heard.length === 1);
      payload.fill(0);
      expect(heard).toEqual(['as it was']);
    });

    test('a listener that throws hears the next message all the same', async () => {
      const subject = freshName();
      const heard: string[] = [];
      bus.subscribe(subject, (payload) => {
        heard.push(text(payload)!);
        throw new Error('not today');
      });
      bus.publish(subject, bytes('a'));
      bus.publish(subject, bytes('b'));
      await until(() => heard.length === 2);
    });

    test('after stop a listener hears nothing', async () => {
      const subject = freshName();
      const heard: string[] = [];
      const listening = bus.subscribe(subject, (payload) => void heard.push(text(payload)!));
      const witness: string[] = [];
      bus.subscribe(subject, (payload) => void witness.push(text(payload)!));
      await listening.stop();
      bus.publish(subject, bytes('a'));
      await until(() => witness.length === 1);
      expect(heard).toEqual([]);
    });
  });

  describe('streams', () => {
    const all = { sizeMax: 100, waitMs: 20 };

    test('what is appended is read in order, with positions from 1 and the first delivery as such', async () => {
      const stream = freshStream();
      const read: StreamMessage[] = [];
      bus.consume(stream, 'reader', all, async (messages) => void read.push(...messages));
      for (const each of ['a', 'b', 'c']) await bus.append(stream, bytes(each), each);
      await until(() => read.length === 3);
      expect(read.map(({ payload, ...rest }) => ({ ...rest, text: text(payload) }))).toEqual([
        { sequence: 1, deliveries: 1, text: 'a' },
        { sequence: 2, deliveries: 1, text: 'b' },
        { sequence: 3, deliveries: 1, text: 'c' },
      ]);
    });

    test('what was appended before anyone read is read', async () => {
      const stream = freshStream();
      await bus.append(stream, bytes('early'), 'early');
      const read: string[] = [];
      bus.consume(stream, 'reader', all, async (messages) => void read.push(...messages.map((m) => text(m.payload)!)));
      await until(() => read.length === 1);
    });

    test('the same dedupe id within the window is stored once', async () => {
      const stream = freshStream();
      const read: string[] = [];
      for (const each of ['a', 'a', 'b', 'a']) await bus.append(stream, bytes(each), each);
      bus.consume(stream, 'reader', all, async (messages) => void read.push(...messages.map((m) => text(m.payload)!)));
      await until(() => read.length >= 2);
      expect(await bus.backlog(stream, 'reader')).toMatchObject({ pending: 0 });
      expect(read).toEqual(['a', 'b']);
    });

    test('after its window a dedupe id is as good as new', async () => {
      const stream = freshStream({ dedupeWindowMs: 200 });
      await bus.append(stream, bytes('a'), 'a');
      await delay(700);
      await bus.append(stream, bytes('a'), 'a');
      expect(await bus.backlog(stream, 'reader')).toMatchObject({ pending: 2, lastSequence: 2 });
    });

    test('what is older than the age limit is gone', async () => {
      const stream = freshStream({ maxAgeMs: 300, dedupeWindowMs: 200 });
      await bus.append(stream, bytes('a'), 'a');
      expect(await bus.backlog(stream, 'reader')).toMatchObject({ pending: 1, unacknowledged: 0 });
      await until(async () => (await bus.backlog(stream, 'reader')).pending === 0);
    });

    test('a queue takes nothing more than it may hold, and goes on once what it holds is acknowledged', async () => {
      const stream = freshStream({ queue: { bytesMax: 4_096 } });
      const large = 'x'.repeat(2_500);
      await bus.append(stream, bytes(large), 'a');
      await expect(bus.append(stream, bytes(large), 'b')).rejects.toThrow(BusUnavailableError);
      const read: string[] = [];
      bus.consume(stream, 'reader', all, async (messages) => void read.push(...messages.map((m) => text(m.payload)!)));
      await until(async () => (await bus.backlog(stream, 'reader')).acknowledgedSequence === 1);
      await until(() =>
        bus.append(stream, bytes(large), 'b').then(
          () => true,
          () => false,
        ),
      );
      await until(() => read.length === 2);
      expect(read).toEqual([large, large]);
    });

    test('what has left the stream by age, unread, no longer keeps its last message from being acknowledged', async () => {
      const stream = freshStream({ maxAgeMs: 1_000, dedupeWindowMs: 200 });
      const reading = bus.consume(stream, 'reader', all, () => Promise.resolve());
      await bus.append(stream, bytes('a'), 'a');
      await until(async () => (await bus.backlog(stream, 'reader')).acknowledgedSequence === 1);
      await reading.stop();
      for (const each of ['b', 'c']) await bus.append(stream, bytes(each), each);
      const waiting = { pending: 2, unacknowledged: 0, redelivered: 0, lastSequence: 3, acknowledgedSequence: 1 };
      expect(await bus.backlog(stream, 'reader')).toEqual(waiting);
      await until(async () => (await bus.backlog(stream, 'reader')).pending === 0);
      const gone = { pending: 0, unacknowledged: 0, redelivered: 0, lastSequence: 3, acknowledgedSequence: 3 };
      expect(await bus.backlog(stream, 'reader')).toEqual(gone);
      expect(await bus.backlog(stream, 'another')).toEqual(gone);
    });

    test('no batch is larger than asked for, and none is handed over before the last one has ended', async () => {
      const stream = freshStream();
      for (let index = 0; index < 25; index++) await bus.append(stream, bytes(`${index}`), `${index}`);
      const sizes: number[] = [];
      let atOnce = 0;
      let atOnceMost = 0;
      bus.consume(stream, 'reader', { sizeMax: 10, waitMs: 50 }, async (messages) => {
        atOnceMost = Math.max(atOnceMost, ++atOnce);
        sizes.push(messages.length);
        await delay(20);
        atOnce--;
      });
      await until(() => sizes.reduce((sum, size) => sum + size, 0) === 25);
      expect(sizes).toEqual([10, 10, 5]);
      expect(atOnceMost).toBe(1);
    });

    test('a batch that is not full is handed over when its first message has waited long enough', async () => {
      const stream = freshStream();
      const read: { size: number; atMs: number }[] = [];
      bus.consume(stream, 'reader', { sizeMax: 10, waitMs: 200 }, async (messages) => {
        read.push({ size: messages.length, atMs: performance.now() });
      });
      await bus.append(stream, bytes('warm'), 'warm');
      await until(() => read.length === 1);
      const began = performance.now();
      await bus.append(stream, bytes('a'), 'a');
      await bus.append(stream, bytes('b'), 'b');
      await until(() => read.length === 2);
      expect(read[1]!.size).toBe(2);
      expect(read[1]!.atMs - began).toBeGreaterThan(150);
      expect(read[1]!.atMs - began).toBeLessThan(1_500);
    });

    test('a batch whose handler fails comes again, after growing pauses, and counts its deliveries', async () => {
      const stream = freshStream();
      const seen: { deliveries: number; atMs: number }[] = [];
      bus.consume(stream, 'reader', all, async ([message]) => {
        seen.push({ deliveries: message!.deliveries, atMs: performance.now() });
        if (seen.length < 4) throw new Error('not yet');
      });
      await bus.append(stream, bytes('a'), 'a');
      await until(() => seen.length === 4);
      expect(seen.map(({ deliveries }) => deliveries)).toEqual([1, 2, 3, 4]);
      const pauses = seen.slice(1).map(({ atMs }, index) => atMs - seen[index]!.atMs);
      expect(pauses[0]).toBeGreaterThan(200);
      expect(pauses[1]).toBeGreaterThan(pauses[0]! * 1.3);
      expect(pauses[2]).toBeGreaterThan(pauses[1]! * 1.3);
      await until(async () => (await bus.backlog(stream, 'reader')).unacknowledged === 0);
    });

    test('those who give the same durable name share the stream; others read all of it', async () => {
      const stream = freshStream();
      const read = { one: [] as string[], two: [] as string[], other: [] as string[] };
      const into = (list: string[]) => async (messages: StreamMessage[]) => {
        list.push(...messages.map((message) => text(message.payload)!));
        await delay(10);
      };
      bus.consume(stream, 'same', { sizeMax: 1, waitMs: 0 }, into(read.one));
      bus.consume(stream, 'same', { sizeMax: 1, waitMs: 0 }, into(read.two));
      bus.consume(stream, 'other', all, into(read.other));
      const given = Array.from({ length: 20 }, (_, index) => `${index}`);
      for (const each of given) await bus.append(stream, bytes(each), each);
      await until(() => read.one.length + read.two.length === 20 && read.other.length === 20);
      expect([...read.one, ...read.two].sort()).toEqual([...given].sort());
      expect(Math.min(read.one.length, read.two.length)).toBeGreaterThan(0);
      expect(read.other).toEqual(given);
    });

    test('a durable goes on where it was left', async () => {
      const stream = freshStream();
      const read: string[] = [];
      const into = async (messages: StreamMessage[]): Promise<void> =>
        void read.push(...messages.map((message) => text(message.payload)!));
      const first = bus.consume(stream, 'reader', all, into);
      await bus.append(stream, bytes('a'), 'a');
      await until(() => read.length === 1);
      await first.stop();
      await bus.append(stream, bytes('b'), 'b');
      await delay(100);
      expect(read).toEqual(['a']);
      bus.consume(stream, 'reader', all, into);
      await until(() => read.length === 2);
      expect(read).toEqual(['a', 'b']);
    });

    test('stop resolves when the batch under way has ended, and that batch is acknowledged', async () => {
      const stream = freshStream();
      let begun = false;
      let ended = false;
      const consuming = bus.consume(stream, 'reader', all, async () => {
        begun = true;
        await delay(150);
        ended = true;
      });
      await bus.append(stream, bytes('a'), 'a');
      await until(() => begun);
      await consuming.stop();
      expect(ended).toBe(true);
      const acknowledged = { pending: 0, unacknowledged: 0, redelivered: 0, lastSequence: 1, acknowledgedSequence: 1 };
      expect(await bus.backlog(stream, 'reader')).toEqual(acknowledged);
    });

    test('what a stopped reader had not been handed goes to the next one soon', async () => {
      const stream = freshStream();
      const first = bus.consume(stream, 'reader', { sizeMax: 10, waitMs: 60_000 }, () => Promise.resolve());
      await bus.append(stream, bytes('a'), 'a');
      await delay(200);
      await first.stop();
      const read: string[] = [];
      bus.consume(stream, 'reader', all, async (messages) => void read.push(...messages.map((m) => text(m.payload)!)));
      await until(() => read.length === 1);
    });

    test('the backlog tells what waits, what is out, and up to where all is acknowledged', async () => {
      const stream = freshStream();
      const backlog = (): Promise<Backlog> => bus.backlog(stream, 'reader');
      const fresh = { pending: 0, unacknowledged: 0, redelivered: 0, lastSequence: 0, acknowledgedSequence: 0 };
      expect(await backlog()).toEqual(fresh);
      for (const each of ['a', 'b', 'c']) await bus.append(stream, bytes(each), each);
      expect(await backlog()).toEqual({ ...fresh, pending: 3, lastSequence: 3 });
      let goOn = (): void => undefined;
      let begun = false;
      bus.consume(stream, 'reader', { sizeMax: 2, waitMs: 50 }, () => {
        begun = true;
        return new Promise((resolve) => (goOn = resolve));
      });
      await until(() => begun);
      expect(await backlog()).toEqual({
        pending: 1,
        unacknowledged: 2,
        redelivered: 0,
        lastSequence: 3,
        acknowledgedSequence: 0,
      });
      begun = false;
      goOn();
      await until(() => begun);
      expect(await backlog()).toEqual({
        pending: 0,
        unacknowledged: 1,
        redelivered: 0,
        lastSequence: 3,
        acknowledgedSequence: 2,
      });
      goOn();
      await until(async () => (await backlog()).unacknowledged === 0);
      expect(await backlog()).toEqual({ ...fresh, lastSequence: 3, acknowledgedSequence: 3 });
    });

    test('the oldest message that is not acknowledged says since when something waits', async () => {
      const stream = freshStream();
      const since = (): Promise<number | undefined> => bus.waitingSince(stream, 'reader');
      expect(await since()).toBeUndefined();
      await bus.append(stream, bytes('a'), 'a');
      const first = await since();
      expect(Math.abs((first ?? 0) - Date.now())).toBeLessThan(5_000);
      await delay(20);
      await bus.append(stream, bytes('b'), 'b');
      expect(Math.abs(((await since()) ?? 0) - (first ?? 0))).toBeLessThan(2);
      let goOn = (): void => undefined;
      bus.consume(stream, 'reader', { sizeMax: 1, waitMs: 0 }, ([message]) =>
        message!.sequence === 1 ? Promise.resolve() : new Promise((resolve) => (goOn = resolve)),
      );
      await until(async () => ((await since()) ?? 0) > (first ?? 0) + 10);
      goOn();
      await until(async () => (await since()) === undefined);
    });

    test('what was acknowledged behind an unacknowledged message does not count until that one is', async () => {
      const stream = freshStream();
      for (const each of ['a', 'b', 'c']) await bus.append(stream, bytes(each), each);
      let fails = true;
      bus.consume(stream, 'reader', { sizeMax: 1, waitMs: 0 }, ([message]) =>
        fails && message!.sequence === 1 ? Promise.reject(new Error('not yet')) : Promise.resolve(),
      );
      const half = { pending: 0, unacknowledged: 1, lastSequence: 3, acknowledgedSequence: 0 };
      let seen: Backlog | undefined;
      await until(async () => (seen = await bus.backlog(stream, 'reader')).pending === 0 && seen.unacknowledged === 1);
      expect(seen).toMatchObject(half);
      await until(async () => (await bus.backlog(stream, 'reader')).redelivered === 1);
      fails = false;
      await until(async () => (await bus.backlog(stream, 'reader')).acknowledgedSequence === 3);
    });
  });

  describe('buckets', () => {
    let bucket: Bucket;
    beforeEach(() => (bucket = bus.bucket({ name: freshName() })));

    test('a key that never was is told from one that has a value and from one that was deleted', async () => {
      expect(await bucket.get('key.a')).toBeUndefined();
      const revision = await bucket.put('key.a', bytes('1'));
      const found = await bucket.get('key.a');
      expect(found).toMatchObject({ key: 'key.a', revision });
      expect(text(found?.value)).toBe('1');
      await bucket.delete('key.a');
      const deleted = await bucket.get('key.a');
      expect(deleted?.key).toBe('key.a');
      expect(deleted).not.toHaveProperty('value');
      expect(deleted!.revision).toBeGreaterThan(revision);
    });

    test('the deletion of a key that never was leaves a mark as well', async () => {
      await bucket.delete('a');
      expect(await bucket.get('a')).toMatchObject({ key: 'a' });
    });

    test('an empty value is a value', async () => {
      await bucket.put('a', new Uint8Array());
      expect((await bucket.get('a'))?.value).toHaveLength(0);
      expect(await bucket.keys()).toEqual(['a']);
    });

    test('revisions grow with every change in the bucket', async () => {
      const first = await bucket.put('a', bytes('1'));
      const second = await bucket.put('b', bytes('1'));
      await bucket.delete('a');
      const fourth = await bucket.put('a', bytes('1'));
      expect(second).toBeGreaterThan(first);
      expect(fourth).toBeGreaterThan(second + 1);
    });

    test('the keys are those that have a value', async () => {
      expect(await bucket.keys()).toEqual([]);
      for (const key of ['a', 'model.YQ', 'x/y=z-_9']) await bucket.put(key, bytes('1'));
      await bucket.delete('a');
      expect((await bucket.keys()).sort()).toEqual(['model.YQ', 'x/y=z-_9']);
    });

    test('a key that the bus could not hold is refused', async () => {
      for (const key of ['', '.a', 'a.', 'a..b', 'a b', 'a*', 'a>', 'ä']) {
        await expect(bucket.put(key, bytes('1'))).rejects.toThrow('not a bucket key');
        await expect(bucket.get(key)).rejects.toThrow('not a bucket key');
      }
    });

    test('two of one name are one', async () => {
      const name = freshName();
      await bus.bucket({ name }).put('a', bytes('1'));
      expect(text((await bus.bucket({ name }).get('a'))?.value)).toBe('1');
    });

    test('a value is what it was when it was put', async () => {
      const value = bytes('as it was');
      const put = bucket.put('a', value);
      await put;
      value.fill(0);
      expect(text((await bucket.get('a'))?.value)).toBe('as it was');
    });

    test('an entry older than its time to live vanishes', async () => {
      const short = bus.bucket({ name: freshName(), ttlMs: 400 });
      await short.put('a', bytes('1'));
      expect(await short.keys()).toEqual(['a']);
      await until(async () => (await short.get('a')) === undefined);
      expect(await short.keys()).toEqual([]);
    });

    test('a key is created once, and again when it was deleted or its entry has expired', async () => {
      const revision = await bucket.create('a', bytes('1'));
      expect((await bucket.get('a'))?.revision).toBe(revision);
      expect(await bucket.create('a', bytes('2'))).toBeUndefined();
      expect(text((await bucket.get('a'))?.value)).toBe('1');
      await bucket.delete('a');
      expect(await bucket.create('a', bytes('3'))).toBeGreaterThan(revision!);
      expect(text((await bucket.get('a'))?.value)).toBe('3');

      const short = bus.bucket({ name: freshName(), ttlMs: 400 });
      const first = await short.create('a', bytes('1'));
      let second: number | undefined;
      await until(async () => (second = await short.create('a', bytes('2'))) !== undefined);
      expect(second).toBeGreaterThan(first!);
      expect(await short.update('a', bytes('3'), first!)).toBeUndefined();
    });

    test('a key is updated only where it is as the updater knows it', async () => {
      const first = await bucket.put('a', bytes('1'));
      const second = await bucket.update('a', bytes('2'), first);
      expect(second).toBeGreaterThan(first);
      expect(await bucket.update('a', bytes('late'), first)).toBeUndefined();
      expect(text((await bucket.get('a'))?.value)).toBe('2');
      await bucket.put('b', bytes('1'));
      expect(await bucket.update('a', bytes('3'), second!)).toBeGreaterThan(second!);
      await bucket.delete('a');
      expect(await bucket.update('a', bytes('late'), second!)).toBeUndefined();
      expect(await bucket.update('never', bytes('late'), second!)).toBeUndefined();
    });

    test('of many who create or update one key at once, one is told that it did', async () => {
      const won = (all: (number | undefined)[]): number[] => all.filter((revision) => revision !== undefined);
      const ten = Array.from({ length: 10 }, (_, index) => bytes(`${index}`));
      const created = won(await Promise.all(ten.map((value) => bucket.create('a', value))));
      expect(created).toHaveLength(1);
      expect(won(await Promise.all(ten.map((value) => bucket.update('a', value, created[0]!))))).toHaveLength(1);
    });

    test('a watcher gets what is present, is told so, then gets each change, deletions included', async () => {
      for (const key of ['a', 'b', 'gone']) await bucket.put(key, bytes('1'));
      await bucket.delete('gone');
      const watcher = recorder();
      bucket.watch(watcher);
      expect(watcher.told).toEqual([]);
      await until(() => watcher.told.includes('current'));
      await bucket.put('a', bytes('2'));
      await bucket.delete('b');
      await until(() => watcher.told.length === 5);
      expect(watcher.told).toEqual(['a=1', 'b=1', 'current', 'a=2', 'b deleted']);
      expect(watcher.revisions).toEqual([...watcher.revisions].sort((a, b) => a - b));
    });

    test('a watcher of an empty bucket is told soon that this is all', async () => {
      const watcher = recorder();
      const began = performance.now();
      bucket.watch(watcher);
      await until(() => watcher.told.includes('current'));
      expect(performance.now() - began).toBeLessThan(1_500);
    });

    test('a watcher of updates only gets nothing that was there, and every change from then on', async () => {
      await bucket.put('a', bytes('1'));
      const watcher = recorder(true);
      bucket.watch(watcher);
      await until(() => watcher.told.includes('current'));
      await bucket.put('b', bytes('1'));
      await bucket.delete('a');
      await until(() => watcher.told.length === 3);
      expect(watcher.told).toEqual(['current', 'b=1', 'a deleted']);
    });

    test('what was read or written after a watcher of updates began cannot change without its being told', async () => {
      for (let round = 0; round < 20; round++) {
        const fresh = bus.bucket({ name: freshName() });
        await fresh.put('a', bytes('old'));
        const watcher = recorder(true);
        fresh.watch(watcher);
        expect(text((await fresh.get('a'))?.value)).toBe('old');
        await fresh.put('a', bytes('new'));
        const second = recorder(true);
        fresh.watch(second);
        await fresh.put('a', bytes('newer'));
        await until(() => watcher.told.includes('a=newer') && second.told.includes('a=newer'));
      }
    });

    test('a large bucket is told whole while it changes', async () => {
      const count = 2_000;
      for (let index = 0; index < count; index += 100) {
        await Promise.all(
          Array.from({ length: 100 }, (_, offset) => bucket.put(`k.${index + offset}`, bytes('1'.repeat(200)))),
        );
      }
      const latest = new Map<string, string | undefined>();
      let current = 0;
      bucket.watch({
        onEntry: ({ key, value }) => void latest.set(key, text(value)),
        onCurrent: () => void current++,
      });
      for (let index = 0; index < 200; index++) await bucket.put(`k.${index}`, bytes('2'));
      await until(() => current === 1 && latest.get('k.199') === '2');
      expect(latest.size).toBe(count);
      expect([...latest].filter(([, value]) => value === '2')).toHaveLength(200);
      expect(await bucket.keys()).toHaveLength(count);
    });

    test('a watcher that throws gets the next entry all the same', async () => {
      const told: string[] = [];
      bucket.watch({
        onEntry: ({ key }) => {
          told.push(key);
          throw new Error('not today');
        },
      });
      await bucket.put('a', bytes('1'));
      await bucket.put('b', bytes('1'));
      await until(() => told.length === 2);
    });

    test('after stop a watcher gets nothing', async () => {
      const watcher = recorder();
      const witness = recorder();
      const watching = bucket.watch(watcher);
      bucket.watch(witness);
      await until(() => watcher.told.includes('current') && witness.told.includes('current'));
      await watching.stop();
      await bucket.put('a', bytes('1'));
      await until(() => witness.told.includes('a=1'));
      expect(watcher.told).toEqual(['current']);
    });
  });

  describe('the connection', () => {
    test('who asks to be told of connections is told at once where there is one, but not inside the call', async () => {
      let calls = 0;
      bus.onConnected(() => void calls++);
      expect(calls).toBe(0);
      await until(() => calls === 1);
      const stopped = bus.onConnected(() => void calls++);
      await stopped.stop();
      await delay(20);
      expect(calls).toBe(1);
    });

    test('close ends what serves and consumes after what they have in hand', async () => {
      const closing = await another();
      const subject = freshName();
      const stream = freshStream();
      const ended: string[] = [];
      let begun = 0;
      closing.serve(subject, 'group', async (payload) => {
        begun++;
        await delay(100);
        ended.push('request');
        return payload;
      });
      closing.consume(stream, 'reader', { sizeMax: 1, waitMs: 0 }, async () => {
        begun++;
        await delay(100);
        ended.push('batch');
      });
      await closing.append(stream, bytes('a'), 'a');
      // Asked of itself where nothing else shares the medium.
      const asked = closing.request(subject, bytes('x'), { timeoutMs: 5_000 });
      await until(() => begun === 2);
      await closing.close();
      expect(ended.sort()).toEqual(['batch', 'request']);
      expect(text(await asked)).toBe('x');
      expect(closing.connected).toBe(false);
      await closing.close();
    });

    test('a closed bus answers nothing', async () => {
      const closed = await another();
      await closed.close();
      const bucket = closed.bucket({ name: freshName() });
      const attempts = [
        closed.request('a', bytes('x'), { timeoutMs: 5_000 }),
        closed.append(freshStream(), bytes('x'), 'x'),
        closed.backlog(freshStream(), 'reader'),
        closed.waitingSince(freshStream(), 'reader'),
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
      closed.publish('a', bytes('x'));
    });
  });
}
