export * from './client';
export { createPublicServer, EdgeApiModule } from './edge-api.module';
export { PublicServer } from './public-server';
