import { type Bus, BusUnavailableError, encodeJson } from '@switchboard/contracts';
import { until } from '../bus/bus.conformance';
import { createLocalBus } from '../bus/local-bus';
import { createLogger } from '../logging/logger';
import { Contender, LEASES, leaseConformance } from './lease.conformance';

let bus: Bus;
beforeEach(() => (bus = createLocalBus({ log: createLogger({ level: 'silent', name: 'test' }) })));
afterEach(() => bus.close());

describe('the lease over the bus in memory', () => {
  leaseConformance(() => Promise.resolve(bus));
});

test('a creation that was stored although nobody was told so is found to be its own', async () => {
  const bucket = bus.bucket(LEASES);
  let unheard = 1;
  const deaf = Object.assign(Object.create(bus) as Bus, {
    bucket: () =>
      Object.assign(Object.create(bucket) as typeof bucket, {
        create: async (key: string, value: Uint8Array) => {
          const revision = await bucket.create(key, value);
          if (unheard-- > 0) throw new BusUnavailableError('no answer');
          return revision;
        },
      }),
  });
  const contender = new Contender(deaf, 'router', 'a');
  await until(() => contender.lease.leading);
  expect(contender.told).toHaveLength(1);
  await contender.lease.stop();
});

test('an entry taken by somebody else ends the leading', async () => {
  const contender = new Contender(bus, 'router', 'a');
  await until(() => contender.lease.leading);
  await bus.bucket(LEASES).put('router', encodeJson({ holder: 'b', token: 'b' }));
  await until(() => !contender.lease.leading);
  expect(contender.told.map(({ leading }) => leading)).toEqual([true, false]);
  await contender.lease.stop();
  expect(await bus.bucket(LEASES).keys()).toEqual(['router']);
});
