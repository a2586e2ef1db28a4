import { type Backlog, type Bus, STREAMS } from '@switchboard/contracts';

export { type BusLedgerOptions, createBusLedger } from './bus-ledger';
export type { BufferedCallLog } from './calls/call-intake';
export { type CallPublisherOptions, createCallPublisher } from './calls/call-publisher';
export { createResponseClient, type ResponseClientOptions } from './responses/bus-response-parts';
export type { ResponseArchive } from './responses/response-archive';
export { UsageSpool, type UsageSpoolOptions } from './spool/usage-spool';
export { createUsagePublisher, type UsagePublisher, type UsagePublisherOptions } from './usage-publisher';

/** What others bind to reach metering; its other ports, USAGE_SINK and USAGE_QUERIES, are in the contracts. */
export const METERING_HEALTH = Symbol('METERING_HEALTH');
export const JOBS_HEALTH = Symbol('JOBS_HEALTH');
export const USAGE_QUERIES_HEALTH = Symbol('USAGE_QUERIES_HEALTH');

/** The name under which all of metering shares the usage stream. */
export const METERING_DURABLE = 'metering';

/** How far metering is behind, in messages of up to 200 records. @throws BusUnavailableError */
export function usageBacklog({ bus }: { bus: Bus }): Promise<Backlog> {
  return bus.backlog(STREAMS.usage, METERING_DURABLE);
}
