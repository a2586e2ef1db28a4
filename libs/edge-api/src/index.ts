export { EdgeApiModule } from './edge-api.module';
export type { EdgeApiOptions } from './create-public-server';
export { EdgeReplica, type EdgeReplicaOptions } from './edge-replica';
export { PublicServer } from './adapters/public-server';
