export { createMetering, type Metering, type MeteringOptions } from './metering';
export { MeteringModule } from './metering.module';
export { UsageStore, type UsageStoreOptions } from './adapters/usage-store';
