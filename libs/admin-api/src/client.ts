/** The shapes of the admin API, for who calls it or prints the same. */
export { recordView, totalView, type UsageRecordView, type UsageTotalView } from './core/usage-view';
