export { EdgeApiModule, type EdgeApiOptions } from './edge-api.module';
export { letHeapGrow } from './adapters/heap-growth';
export { EdgeReplica, type EdgeReplicaOptions } from './edge-replica';
