import type { Metrics } from '../metrics/metrics';
import type { Readiness } from './readiness';

/** Which release of what this process is, once per registry. Not `service`: Prometheus in Kubernetes has a label of that name. */
export function registerBuildInfo(
  metrics: Metrics,
  { component, version }: { component: string; version: string },
): void {
  metrics
    .gauge<'component' | 'version'>({
      name: 'build_info',
      help: 'Always 1; the labels say which service of which release this process is.',
      labelNames: ['component', 'version'],
    })
    .set({ component, version }, 1);
}

/** `drainingMs`: how long ago the end of the process began; 0: it did not. Asked when the metrics are read. */
export function registerDrainMetrics(metrics: Metrics, drainingMs: () => number): void {
  metrics.gauge({
    name: 'draining_seconds',
    help: 'How long this process has been ending: it takes nothing new, and finishes what it has. 0: it is not ending.',
    collect() {
      this.set(drainingMs() / 1000);
    },
  });
}

/** What readiness depends on is looked at whenever the metrics are read, within little more than two seconds. */
export function registerReadinessMetrics(metrics: Metrics, readiness: Pick<Readiness, 'report'>): void {
  metrics.gauge<'dependency' | 'required'>({
    name: 'dependency_up',
    help: 'Whether what this process depends on is there: 1, or 0. Without one that is required it is not ready.',
    labelNames: ['dependency', 'required'],
    async collect() {
      const { checks } = await readiness.report();
      for (const [dependency, { status, required }] of Object.entries(checks)) {
        this.set({ dependency, required: String(required) }, status === 'up' ? 1 : 0);
      }
    },
  });
}
