import { createLogger } from '../logging/logger';
import { busConformance } from './bus.conformance';
import { createLocalBus } from './local-bus';

// Its pauses alone are seconds, and a busy machine adds to them.
jest.setTimeout(30_000);

describe('the bus in memory', () => {
  busConformance(() => Promise.resolve(createLocalBus({ log: createLogger({ level: 'silent', name: 'test' }) })));
});
