import { createLogger } from '../logging/logger';
import { busConformance } from './bus.conformance';
import { createLocalBus } from './local-bus';

describe('the bus in memory', () => {
  busConformance(() => Promise.resolve(createLocalBus({ log: createLogger({ level: 'silent', name: 'test' }) })));
});
