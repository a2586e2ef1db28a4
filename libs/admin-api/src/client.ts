/** The shapes of the admin API, for who calls it. */
export type { UsageRecordView, UsageTotalView } from './core/usage-view';
