import { startOtlpSink } from '../otlp-sink';
import { benchKey } from '../wire/requests';
import { startDistributedEdge, type RunningEdge } from './distributed-edge';
import { farBounds, gatewayConfig } from './gateway-config';
import type { Subject, SubjectContext } from './subject';

/** Of calls that bring no trace of their own. */
const tracedShare = 0.01;

/**
 * One edge of the distributed form: Redis, NATS, Postgres, metering, router and rate-limit run beside it, and one call in
 * a hundred is traced.
 *
 * @param bounds what bounds the key that calls; without any the rate-limit service is not asked.
 */
async function startEdge(context: SubjectContext, bounds: object): Promise<RunningEdge> {
  const sink = await startOtlpSink();
  try {
    const edge = await startDistributedEdge({
      ...context,
      config: gatewayConfig(context.upstreamPort, bounds),
      keys: { BENCH_KEY: benchKey },
      callers: [{}],
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
        OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
        OTEL_TRACES_SAMPLER_ARG: String(tracedShare),
      },
    });
    return {
      ...edge,
      remarks: () => [
        sink.received() === 0
          ? 'no traces were sent'
          : `${tracedShare * 100} % of the calls traced, in ${sink.received()} exports`,
      ],
      stop: async () => {
        await edge.stop();
        sink.close();
      },
    };
  } catch (error) {
    sink.close();
    throw error;
  }
}

/** Called with a key that has no bounds of its own. */
export const distributed: Subject = {
  name: 'distributed',
  isGateway: true,
  start: (context) => startEdge(context, {}),
};

/** The same, called with a key that has limits and a budget: every call is admitted by the rate-limit service. */
export const distributedLimits: Subject = {
  name: 'distributed-limits',
  isGateway: true,
  start: (context) => startEdge(context, farBounds),
};
