export { EdgeApiModule, type EdgeApiOptions } from './edge-api.module';
export { EdgeReplica, type EdgeReplicaOptions } from './edge-replica';
