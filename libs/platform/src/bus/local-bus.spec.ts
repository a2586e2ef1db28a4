import { createLogger } from '../logging/logger';
import { busConformance, bytes, freshStream, until } from './bus.conformance';
import { createLocalBus } from './local-bus';

// Its pauses alone are seconds, and a busy machine adds to them.
jest.setTimeout(30_000);

const localBus = () => createLocalBus({ log: createLogger({ level: 'silent', name: 'test' }) });

describe('the bus in memory', () => {
  busConformance(() => Promise.resolve(localBus()));

  test('what falls due between the look for it and the sleep is not slept through', async () => {
    const bus = localBus();
    const streams = Array.from({ length: 3_000 }, () => freshStream());
    const deliveries = new Map<string, number>();
    for (const stream of streams) {
      bus.consume(stream, 'reader', { sizeMax: 10, waitMs: 0 }, async ([message]) => {
        deliveries.set(stream.name, message!.deliveries);
        if (message!.deliveries < 3) throw new Error('not yet');
      });
      await bus.append(stream, bytes('a'), 'a');
    }
    await until(() => streams.every(({ name }) => deliveries.get(name) === 3));
    await bus.close();
  });
});
