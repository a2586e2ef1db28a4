import { at, find, type KubernetesObject, renderChart } from './render-chart';
import { podOf } from './workloads';

const SERVICES = ['edge-api', 'router', 'rate-limit', 'metering', 'admin-api'];
const VALUES_OF = { 'edge-api': 'edgeApi', 'rate-limit': 'rateLimit', 'admin-api': 'adminApi' } as Record<
  string,
  string
>;

let objects: KubernetesObject[];
beforeAll(async () => {
  objects = await renderChart();
});

const named = (kind: string, component: string) => find(objects, kind, `switchboard-${component}`);
const specOf = (kind: string, component: string) => at<object>(named(kind, component), 'spec');

describe.each(SERVICES)('%s', (component) => {
  it('runs its own program of the one image', () => {
    const [container] = podOf(objects, component).containers;
    expect(container).toMatchObject({ name: component, image: 'switchboard:0.1.0', command: ['node'] });
    expect(container?.args).toEqual([`apps/${component}/dist/main.js`]);
  });

  it('is asked on the private port whether it lives, and whether it can work', () => {
    const [container] = podOf(objects, component).containers;
    expect(container?.['ports']).toContainEqual({ name: 'private', containerPort: 9090, protocol: 'TCP' });
    expect(container).toMatchObject({
      startupProbe: { httpGet: { path: '/healthz', port: 'private' } },
      livenessProbe: { httpGet: { path: '/healthz', port: 'private' } },
      // A report takes up to two seconds, whatever hangs.
      readinessProbe: { httpGet: { path: '/readyz', port: 'private' }, timeoutSeconds: 4 },
    });
  });

  it('surges first: none goes before its successor is ready', () => {
    expect(specOf('Deployment', component)).toMatchObject({
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: 0 } },
    });
  });

  it('is selected by what never changes, and found by its services and its budget', () => {
    const labels = {
      'app.kubernetes.io/name': 'switchboard',
      'app.kubernetes.io/instance': 'switchboard',
      'app.kubernetes.io/component': component,
    };
    const deployment = named('Deployment', component);
    expect(at(deployment, 'spec.selector.matchLabels')).toEqual(labels);
    expect(at(deployment, 'spec.template.metadata.labels')).toMatchObject(labels);
    expect(at(named('Service', component), 'spec.selector')).toEqual(labels);
    expect(specOf('PodDisruptionBudget', component)).toMatchObject({
      maxUnavailable: 1,
      selector: { matchLabels: labels },
    });
  });

  it('has an account of its own, without a token', () => {
    const pod = podOf(objects, component);
    expect(pod).toMatchObject({ serviceAccountName: `switchboard-${component}`, automountServiceAccountToken: false });
    expect(named('ServiceAccount', component)).toMatchObject({ automountServiceAccountToken: false });
  });

  it('is spread over zones and nodes, by the version that comes in alone', () => {
    const spread = podOf(objects, component)['topologySpreadConstraints'] as object[];
    expect(spread).toMatchObject([
      { topologyKey: 'topology.kubernetes.io/zone', matchLabelKeys: ['pod-template-hash'] },
      { topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway' },
    ]);
  });

  it('asks for what it needs, and has no limit of CPU', () => {
    const [container] = podOf(objects, component).containers;
    expect(container).toMatchObject({
      resources: {
        requests: { cpu: expect.any(String), memory: expect.any(String) },
        limits: { memory: expect.any(String) },
      },
    });
    expect(container).not.toHaveProperty('resources.limits.cpu');
  });

  it('takes what its values say of pods', async () => {
    const pod = {
      ...{ podLabels: { team: 'llm' }, podAnnotations: { note: 'x' }, nodeSelector: { disk: 'ssd' } },
      ...{ tolerations: [{ key: 'gpu', operator: 'Exists' }], affinity: { nodeAffinity: {} } },
      ...{ topologySpreadConstraints: [], extraEnv: [{ name: 'NODE_OPTIONS', value: '--max-old-space-size=1500' }] },
      ...{
        replicas: 7,
        serviceAccount: { annotations: { role: 'r' } },
        podDisruptionBudget: { maxUnavailable: '20%' },
      },
    };
    objects = await renderChart({
      values: { [VALUES_OF[component] ?? component]: pod, commonLabels: { owner: 'me' } },
    });
    expect(at(named('Deployment', component), 'spec.template.metadata')).toMatchObject({
      labels: { team: 'llm', owner: 'me' },
      annotations: { note: 'x' },
    });
    const spec = podOf(objects, component);
    expect(spec).toMatchObject({
      nodeSelector: pod.nodeSelector,
      tolerations: pod.tolerations,
      affinity: pod.affinity,
    });
    expect(spec).not.toHaveProperty('topologySpreadConstraints');
    expect(spec.containers[0]?.env).toContainEqual(pod.extraEnv[0]);
    expect(at(named('Deployment', component), 'spec.replicas')).toBe(7);
    expect(named('ServiceAccount', component).metadata.annotations).toEqual({ role: 'r' });
    expect(specOf('PodDisruptionBudget', component)).toMatchObject({ maxUnavailable: '20%' });
    objects = await renderChart();
  });
});

describe('an edge that goes', () => {
  it('has the time its streams may take, and what comes before and after', () => {
    // 5 s before it hears of it, 5 s of grace, an hour of draining, 30 s for the last usage and the rest.
    expect(podOf(objects, 'edge-api').terminationGracePeriodSeconds).toBe(5 + 5 + 3600 + 30);
  });

  it('has less where draining is shorter, rounded up', async () => {
    const rendered = await renderChart({
      values: { edgeApi: { preStopSeconds: 0, config: { drainMs: 60_001, drainGraceMs: 0 } } },
    });
    expect(podOf(rendered, 'edge-api').terminationGracePeriodSeconds).toBe(61 + 30);
    expect(podOf(rendered, 'edge-api').containers[0]).not.toHaveProperty('lifecycle');
  });

  it('never has less than that: such values are refused', async () => {
    await expect(renderChart({ values: { edgeApi: { terminationGracePeriodSeconds: 3639 } } })).rejects.toThrow(
      'edgeApi.terminationGracePeriodSeconds is 3639, but preStopSeconds, drainGraceMs and drainMs need 3640',
    );
    const rendered = await renderChart({ values: { edgeApi: { terminationGracePeriodSeconds: 7200 } } });
    expect(podOf(rendered, 'edge-api').terminationGracePeriodSeconds).toBe(7200);
  });

  it('hears of it only when balancers may have: by a sleep, or where Kubernetes has none, by node', async () => {
    expect(podOf(objects, 'edge-api').containers[0]).toMatchObject({
      lifecycle: { preStop: { sleep: { seconds: 5 } } },
    });
    const older = podOf(await renderChart({ kubernetes: '1.29' }), 'edge-api').containers[0];
    expect(older).toMatchObject({
      lifecycle: { preStop: { exec: { command: ['node', '-e', 'setTimeout(() => undefined, 5000)'] } } },
    });
  });
});

describe('the spool', () => {
  it('is an emptyDir that outlives the container, with room for what it adopts', () => {
    const pod = podOf(objects, 'edge-api');
    expect(pod.volumes).toContainEqual({ name: 'spool', emptyDir: { sizeLimit: '536870912' } });
    expect(pod.containers[0]).toMatchObject({
      volumeMounts: expect.arrayContaining([{ name: 'spool', mountPath: '/var/lib/switchboard/spool' }]),
    });
  });

  it('is a volume of each pod where it is persistent, kept when the pod is not', async () => {
    const persistence = { enabled: true, storageClassName: 'fast', size: '2Gi' };
    const rendered = await renderChart({
      values: { edgeApi: { spool: { persistence }, autoscaling: { enabled: true } } },
    });
    expect(rendered.some(({ kind, metadata }) => kind === 'Deployment' && metadata.name.endsWith('edge-api'))).toBe(
      false,
    );
    expect(find(rendered, 'StatefulSet', 'switchboard-edge-api')['spec']).toMatchObject({
      podManagementPolicy: 'Parallel',
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
      volumeClaimTemplates: [{ spec: { storageClassName: 'fast', resources: { requests: { storage: '2Gi' } } } }],
    });
    expect(podOf(rendered, 'edge-api', 'StatefulSet').volumes?.map(({ name }) => name)).toEqual(['tmp']);
    const scaler = find(rendered, 'HorizontalPodAutoscaler', 'switchboard-edge-api');
    expect(at(scaler, 'spec.scaleTargetRef.kind')).toBe('StatefulSet');
  });
});

describe('autoscaling', () => {
  it('leaves the number of pods to the autoscaler', async () => {
    const autoscaling = { enabled: true };
    const rendered = await renderChart({ values: { edgeApi: { autoscaling }, metering: { autoscaling } } });
    for (const component of ['edge-api', 'metering']) {
      expect(find(rendered, 'Deployment', `switchboard-${component}`)['spec']).not.toHaveProperty('replicas');
    }
    expect(find(rendered, 'HorizontalPodAutoscaler', 'switchboard-metering')).toMatchObject({
      spec: { metrics: [{ type: 'External', external: { metric: { name: 'switchboard_usage_backlog' } } }] },
    });
  });

  it('follows CPU and requests under way, up at once and down slowly', async () => {
    const rendered = await renderChart({
      values: { edgeApi: { autoscaling: { enabled: true, targetOpenRequests: 150 } } },
    });
    expect(find(rendered, 'HorizontalPodAutoscaler', 'switchboard-edge-api')).toMatchObject({
      spec: {
        behavior: { scaleUp: { stabilizationWindowSeconds: 0 }, scaleDown: { stabilizationWindowSeconds: 600 } },
        metrics: [
          { resource: { name: 'cpu', target: { averageUtilization: 70 } } },
          { pods: { metric: { name: 'switchboard_open_requests' }, target: { averageValue: '150' } } },
        ],
      },
    });
  });

  it('is KEDA’s where that is wanted, and says what it needs for it', async () => {
    const edgeApi = { autoscaling: { enabled: true, engine: 'keda', targetOpenRequests: 150 } };
    await expect(renderChart({ values: { edgeApi } })).rejects.toThrow('keda.prometheusAddress is needed');
    const metering = { autoscaling: { enabled: true, engine: 'keda' } };
    await expect(renderChart({ values: { metering } })).rejects.toThrow('keda.natsMonitoringEndpoint is needed');
    const keda = { prometheusAddress: 'http://prometheus:9090', natsMonitoringEndpoint: 'nats:8222' };
    const rendered = await renderChart({ values: { edgeApi, metering, keda } });
    expect(rendered.some(({ kind }) => kind === 'HorizontalPodAutoscaler')).toBe(false);
    expect(find(rendered, 'ScaledObject', 'switchboard-edge-api')).toMatchObject({
      spec: {
        triggers: [
          { type: 'cpu' },
          { metadata: { query: 'sum(switchboard_open_requests{namespace="gateway"})', threshold: '150' } },
        ],
      },
    });
  });

  it('refuses to follow nothing', async () => {
    const values = { edgeApi: { autoscaling: { enabled: true, targetCpuPercent: null } } };
    await expect(renderChart({ values })).rejects.toThrow('set targetCpuPercent');
  });
});

describe('the migration', () => {
  it('comes before everything else of a release, and is tried again only where that may help', () => {
    expect(named('Job', 'migration')).toMatchObject({
      metadata: { annotations: { 'helm.sh/hook': 'pre-install,pre-upgrade' } },
      spec: {
        podFailurePolicy: { rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [1] } }] },
        template: { spec: { restartPolicy: 'Never' } },
      },
    });
    expect(named('ServiceAccount', 'migration').metadata.annotations).toMatchObject({
      'helm.sh/hook': 'pre-install,pre-upgrade',
      'helm.sh/hook-weight': '-10',
    });
  });

  it('may be left to the services', async () => {
    const rendered = await renderChart({ values: { migration: { enabled: false } } });
    expect(rendered.filter(({ metadata }) => metadata.name.includes('migration'))).toEqual([]);
  });
});

describe('traces', () => {
  it('are sent where a collector is, with headers from a Secret', async () => {
    const tracing = {
      ...{ endpoint: 'http://collector:4318', sampleRatio: 0.05, resourceAttributes: { team: 'a b,c' } },
      headers: { existingSecret: 'otel', key: 'headers' },
    };
    const rendered = await renderChart({ values: { tracing } });
    for (const component of ['edge-api', 'rate-limit', 'metering']) {
      expect(podOf(rendered, component).containers[0]?.env).toEqual(
        expect.arrayContaining([
          { name: 'OTEL_EXPORTER_OTLP_ENDPOINT', value: 'http://collector:4318' },
          { name: 'OTEL_TRACES_SAMPLER_ARG', value: '0.05' },
          {
            name: 'OTEL_RESOURCE_ATTRIBUTES',
            value: 'k8s.namespace.name=gateway,k8s.pod.name=$(INSTANCE),team=a%20b%2Cc',
          },
          { name: 'OTEL_EXPORTER_OTLP_HEADERS', valueFrom: { secretKeyRef: { name: 'otel', key: 'headers' } } },
        ]),
      );
    }
    for (const component of ['router', 'admin-api'])
      expect(JSON.stringify(podOf(rendered, component))).not.toContain('OTEL');
    const slow = podOf(rendered, 'edge-api').containers[0]?.env?.filter(({ name }) => name.startsWith('TRACE_SLOW'));
    expect(slow?.map(({ value }) => value)).toEqual(['10000', '60000']);
  });

  it('are not thought of without one', () => {
    expect(JSON.stringify(objects)).not.toMatch(/OTEL|TRACE_SLOW/);
  });
});

it('a certificate authority of one’s own is trusted by every service and the migration', async () => {
  const rendered = await renderChart({ values: { caBundle: { configMap: 'internal-ca', key: 'root.pem' } } });
  const pods = [...SERVICES.map((component) => podOf(rendered, component)), podOf(rendered, 'migration', 'Job')];
  for (const pod of pods) {
    expect(pod.volumes).toContainEqual({ name: 'ca', configMap: { name: 'internal-ca' } });
    expect(pod.containers[0]).toMatchObject({
      env: expect.arrayContaining([{ name: 'NODE_EXTRA_CA_CERTS', value: '/etc/ssl/switchboard/root.pem' }]),
      volumeMounts: expect.arrayContaining([{ name: 'ca', mountPath: '/etc/ssl/switchboard', readOnly: true }]),
    });
  }
});

describe('images', () => {
  it.each([
    [{ repository: 'r/s', tag: '1.2.3' }, 'r/s:1.2.3'],
    [{ repository: 'r/s', tag: '1', digest: `sha256:${'a'.repeat(64)}` }, `r/s@sha256:${'a'.repeat(64)}`],
  ])('are as the values say: %j', async (image, expected) => {
    const rendered = await renderChart({ values: { image, imagePullSecrets: [{ name: 'registry' }] } });
    const pods = ['edge-api', 'metering'].map((component) => podOf(rendered, component));
    for (const pod of [...pods, podOf(rendered, 'migration', 'Job'), podOf(rendered, 'test', 'Pod')]) {
      expect(pod.containers[0]?.image).toBe(expected);
      expect(pod['imagePullSecrets']).toEqual([{ name: 'registry' }]);
    }
  });
});
