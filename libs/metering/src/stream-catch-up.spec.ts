import { setTimeout as delay } from 'node:timers/promises';
import { type Bus, BusUnavailableError, LedgerUnavailableError, STREAMS } from '@switchboard/contracts';
import { createLocalBus, createLogger } from '@switchboard/platform';
import { METERING_DURABLE, usageBacklog } from './client';
import { StreamCatchUp } from './stream-catch-up';

let bus: Bus;
/** The same bus, whose answers are on their way for a while. */
let distant: Bus;
let readings: number;

beforeEach(() => {
  bus = createLocalBus({ log: createLogger({ level: 'silent', name: 'test' }) });
  readings = 0;
  const backlog: Bus['backlog'] = async (...given) => {
    readings++;
    const answer = await bus.backlog(...given);
    await delay(50);
    return answer;
  };
  distant = Object.setPrototypeOf({ backlog }, bus) as Bus;
});

afterEach(() => bus.close());

const catchUpOn = (at: Bus): StreamCatchUp =>
  new StreamCatchUp({
    backlog: () => usageBacklog({ bus: at }),
    behind: (messages) => new LedgerUnavailableError(`the ledger is ${messages} messages behind`),
  });
const append = (id: string): Promise<void> => bus.append(STREAMS.usage, Buffer.from(id), id);

test('who asks while the stream is being read does not take that reading for an answer', async () => {
  const catchUp = catchUpOn(distant);
  const before = catchUp.reached(1_000);
  await delay(10);
  await append('a');
  const after = catchUp.reached(300);
  await before;
  await expect(after).rejects.toThrow(LedgerUnavailableError);
});

test('what is appended after the question is not waited for', async () => {
  await append('a');
  const reached = catchUpOn(distant).reached(1_000);
  await delay(10);
  let stored = 0;
  bus.consume(STREAMS.usage, METERING_DURABLE, { sizeMax: 1, waitMs: 0 }, () =>
    stored++ === 0 ? Promise.resolve() : Promise.reject(new Error('not this one')),
  );
  await append('b');
  await reached;
});

test('a thousand who wait cost as many readings as one', async () => {
  await append('a');
  const catchUp = catchUpOn(distant);
  const all = Array.from({ length: 1_000 }, () => catchUp.reached(1_000));
  await delay(10);
  bus.consume(STREAMS.usage, METERING_DURABLE, { sizeMax: 1, waitMs: 0 }, () => Promise.resolve());
  await Promise.all(all);
  expect(readings).toBeLessThanOrEqual(3);
});

test('without the bus it fails at once, and asks again for the next', async () => {
  const catchUp = catchUpOn(bus);
  await catchUp.reached(1_000);
  await bus.close();
  const startedAt = performance.now();
  await expect(catchUp.reached(1_000)).rejects.toThrow(BusUnavailableError);
  await expect(catchUp.reached(1_000)).rejects.toThrow(BusUnavailableError);
  expect(performance.now() - startedAt).toBeLessThan(500);
});
