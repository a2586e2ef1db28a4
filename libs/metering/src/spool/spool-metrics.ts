import type { Counter, Metrics } from '@switchboard/platform';

export interface SpoolCounts {
  replayed: Counter;
  orphans: Counter;
  torn: Counter;
  refused: Counter;
}

/** `spool` is asked when the metrics are read. */
export function registerSpoolMetrics(
  metrics: Metrics,
  spool: { bytes: number; bytesMax: number; open: number },
): SpoolCounts {
  metrics.gauge({
    name: 'usage_spool_bytes',
    help: 'Bytes of the usage spool on local disk, adopted ones included.',
    collect() {
      this.set(spool.bytes);
    },
  });
  metrics
    .gauge({ name: 'usage_spool_limit_bytes', help: 'What the usage spool may take of the disk.' })
    .set(spool.bytesMax);
  metrics.gauge({
    name: 'usage_spool_records',
    help: 'Records of the spool that wait: calls under way, and usage that is not stored.',
    collect() {
      this.set(spool.open);
    },
  });
  return {
    replayed: metrics.counter({
      name: 'usage_spool_replayed_total',
      help: 'Usage records of dead processes that were taken up again.',
    }),
    orphans: metrics.counter({
      name: 'usage_spool_orphans_total',
      help: 'Calls under way when their process died, recorded at the most they can have come to.',
    }),
    torn: metrics.counter({
      name: 'usage_spool_torn_total',
      help: 'Spool files that ended in a torn or corrupt record.',
    }),
    refused: metrics.counter({
      name: 'usage_spool_refused_total',
      help: 'Records that are in memory only: the spool was full or could not be written. Alert on any.',
    }),
  };
}
