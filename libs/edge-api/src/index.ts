export { EdgeApiModule, type EdgeApiOptions } from './edge-api.module';
export { PublicServer } from './public-server';
