export { EdgeApiModule, type EdgeApiOptions } from './edge-api.module';
export { letEventLoopGoFirst } from './adapters/event-loop-first';
export { letHeapGrow } from './adapters/heap-growth';
export { EdgeReplica, type EdgeReplicaOptions } from './edge-replica';
