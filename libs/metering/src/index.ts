export { auditLedger, type LedgerAudit } from './adapters/ledger-audit';
export { partitionMaintenance, type PartitionMaintenanceOptions } from './jobs/usage-partitions';
export { createMetering, type Metering, type MeteringOptions } from './metering';
export { MeteringConsumerModule, type MeteringConsumerOptions } from './metering-consumer.module';
export { MeteringModule } from './metering.module';
export { UsageQueriesModule, type UsageQueriesOptions } from './usage-queries.module';
export { UsageStore, type UsageStoreOptions } from './adapters/usage-store';
