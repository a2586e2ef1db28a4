import {
  type Bus,
  decodeJson,
  encodeJson,
  type ExplainRequestV1,
  type HealthCheck,
  SUBJECTS,
} from '@switchboard/contracts';
import {
  catalogHealth,
  type CatalogReplica,
  createCatalogReplica,
  type Logger,
  type Metrics,
} from '@switchboard/platform';
import { explain } from './core/explain';
import { registerRouterMetrics } from './router-metrics';
import { SnapshotPublisher } from './snapshot-publisher';

export interface RouterOptions {
  bus: Bus;
  log: Logger;
  metrics: Metrics;
  /** How often the snapshot is written although nothing changed. */
  refreshEveryMs?: number;
}

/** The router without Nest. */
export interface Router {
  health: HealthCheck;
  /** Answers what it has in hand and publishes no more. The bus stays open. */
  close(): Promise<void>;
}

/** Starts at once and works as soon as the bus is there and a catalog is published. */
export function createRouter({ bus, log, metrics, refreshEveryMs }: RouterOptions): Router {
  // No sealer: who only ranks needs no credentials.
  const replica = createCatalogReplica({ bus, log });
  const routerMetrics = registerRouterMetrics(metrics, () => publisher.published);
  const publisher: SnapshotPublisher = new SnapshotPublisher({
    bus,
    replica,
    log,
    metrics: routerMetrics,
    ...(refreshEveryMs === undefined ? {} : { refreshEveryMs }),
  });
  const serving = bus.serve(SUBJECTS.explain, 'router', async (payload) => {
    try {
      const answer = encodeJson(
        explain({ ...readRequest(payload, replica), atMs: Date.now() }, replica.current(), publisher.published),
      );
      routerMetrics.explanations.inc({ result: 'answered' });
      return await Promise.resolve(answer);
    } catch (error) {
      routerMetrics.explanations.inc({ result: 'failed' });
      throw error;
    }
  });
  return {
    health: catalogHealth(replica),
    close: async () => {
      await serving.stop();
      await publisher.stop();
      await replica.stop();
    },
  };
}

function readRequest(payload: Uint8Array, replica: CatalogReplica): ExplainRequestV1 {
  if (!replica.isReady) throw new Error('no catalog has been published yet');
  const request = decodeJson<Partial<ExplainRequestV1> | null>(payload);
  if (typeof request?.model !== 'string') throw new Error('model must be given');
  return { model: request.model };
}
