export { EdgeApiModule, type EdgeApiOptions } from './edge-api.module';
export { PublicServer } from './adapters/public-server';
