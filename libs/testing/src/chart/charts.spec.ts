import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { OfficialSchemas } from './official-schemas';
import { podSecurityFaults } from './pod-security';
import { KUBERNETES_VERSIONS, type KubernetesObject, lintChart, renderChart, type Rendering } from './render-chart';
import { podSpecOf } from './workloads';

const ROOT = path.join(__dirname, '../../../..');

/** What is rendered for every version, but for `everything`, which has what the others leave off: for the first and the last. */
const renderings: Record<string, Rendering> = {
  default: {},
  minimal: { example: 'minimal' },
  deps: { example: 'deps' },
  production: { example: 'production' },
  everything: {
    values: {
      secrets: {
        kek: { value: 'k' },
        databaseUrl: { value: 'postgresql://u:p@h/d' },
        natsUrl: { value: 'nats://t@n' },
      },
      gateway: { secretEnv: [{ name: 'X', secretName: 's', key: 'k' }], secretFiles: ['providers'] },
      edgeApi: {
        autoscaling: { enabled: true, targetOpenRequests: 100 },
        service: { type: 'LoadBalancer', loadBalancerSourceRanges: ['192.0.2.0/24'], externalTrafficPolicy: 'Local' },
        extraEnv: [{ name: 'Y', value: 'z' }],
      },
      metering: { autoscaling: { enabled: true, metricLabels: { cluster: 'a' } } },
      ingress: { enabled: true, hosts: ['a.example', 'b.example'], controller: 'alb' },
      monitoring: {
        podMonitor: { enabled: true },
        serviceMonitor: { enabled: true },
        prometheusRule: { enabled: true, runbookBaseUrl: 'https://runbooks.example' },
        dashboards: { enabled: true },
      },
    },
  },
  'the servers for trying out': { chart: 'switchboard-deps' },
};

it.each(Object.entries(renderings))('helm lint --strict has nothing to say: %s', async (_, rendering) => {
  await lintChart(rendering);
});

it.each(['switchboard', 'switchboard-deps'])('the release is the chart’s: %s', (chart) => {
  const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
  const { version: ofChart, appVersion } = parse(readFileSync(path.join(ROOT, 'helm', chart, 'Chart.yaml'), 'utf8'));
  expect([ofChart, appVersion]).toEqual([version, version]);
});

it('values.schema.json and README are what values.yaml makes them', async () => {
  await promisify(execFile)(process.execPath, [path.join(ROOT, 'deploy/chart/values-docs.mjs'), '--check']);
});

describe.each(KUBERNETES_VERSIONS)('for Kubernetes %s', (kubernetes) => {
  let schemas: OfficialSchemas;
  beforeAll(() => {
    schemas = new OfficialSchemas(kubernetes);
  });

  const isOutermost = [KUBERNETES_VERSIONS[0], KUBERNETES_VERSIONS.at(-1)].includes(kubernetes);
  const rendered = Object.entries(renderings).filter(([name]) => name !== 'everything' || isOutermost);

  it.each(rendered)('every object is as its official schema says: %s', async (_, rendering) => {
    const objects = await renderChart({ ...rendering, kubernetes });
    expect(objects.flatMap((object) => schemas.faultsOf(object))).toEqual([]);
    expect(objects.flatMap(nameFaults)).toEqual([]);
    expect(repeated(objects)).toEqual([]);
    const pods = objects.flatMap((object) => podSpecOf(object) ?? []);
    expect(pods.length).toBeGreaterThan(0);
    expect(pods.flatMap(podSecurityFaults)).toEqual([]);
  });
});

describe('the check itself', () => {
  const schemas = new OfficialSchemas('1.35');
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'x' } };
  const route = { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata: { name: 'x' } };

  it.each<[string, KubernetesObject, string]>([
    ['a field that is not known', { ...account, automount: true }, 'automount'],
    ['a value of another type', { ...account, automountServiceAccountToken: 'no' }, 'must be boolean'],
    ['a null', { ...account, automountServiceAccountToken: null }, 'must be boolean'],
    ['metadata that is not known', { ...account, metadata: { name: 'x', label: {} } as never }, 'label'],
    ['a kind that is not known', { ...account, kind: 'Pods' }, 'no schema'],
    ['a field of a custom resource', { ...route, spec: { rules: [{ timeout: '1h' }] } }, 'timeout'],
    ['metadata of a custom resource', { ...route, spec: {}, metadata: { name: 'x', label: {} } as never }, 'label'],
    [
      'a duration of a custom resource',
      { ...route, spec: { rules: [{ timeouts: { request: '1 hour' } }] } },
      'pattern',
    ],
  ])('refuses %s', (_, object, what) => {
    expect(schemas.faultsOf(object).join()).toContain(what);
  });

  it('refuses a pod that is not restricted', () => {
    const pod = { containers: [{ name: 'x', image: 'y' }], volumes: [{ name: 'v', hostPath: { path: '/' } }] };
    expect(podSecurityFaults(pod)).toHaveLength(7);
  });
});

describe('values that are not known', () => {
  it.each([
    ['at the top', { edge: {} }],
    ['further down', { edgeApi: { config: { drainMS: 1 } } }],
    ['of another type', { edgeApi: { replicas: 'two' } }],
    ['a NATS address with credentials', { nats: { url: 'nats://token@nats:4222' } }],
    ['a Redis address with credentials', { redis: { url: 'redis://:secret@redis:6379' } }],
  ])('are refused: %s', async (_, values) => {
    await expect(renderChart({ values })).rejects.toThrow(/values don't meet the specifications/);
  });
});

/** What the schemas do not say: how long a name may be, and what it is made of. */
function nameFaults({ kind, metadata: { name, namespace, labels = {} } }: KubernetesObject): string[] {
  const faults = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name) ? [] : [`${kind} ${name}: not a DNS label`];
  if (namespace === undefined && kind !== 'ConfigMap') faults.push(`${kind} ${name}: names no namespace`);
  for (const [label, value] of Object.entries(labels)) {
    if (!/^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/.test(value)) faults.push(`${kind} ${name}: ${label}`);
  }
  return faults;
}

function repeated(objects: KubernetesObject[]): string[] {
  const ids = objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
  return ids.filter((id, index) => ids.indexOf(id) !== index);
}
