import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { at, find, type KubernetesObject, renderChart } from './render-chart';
import { podOf } from './workloads';

const CHART = path.join(__dirname, '../../../../helm/switchboard');
const filesIn = (folder: string): string[] =>
  existsSync(path.join(CHART, folder)) ? readdirSync(path.join(CHART, folder)).sort() : [];

async function ingress(values: object): Promise<KubernetesObject> {
  const objects = await renderChart({ values: { ingress: { enabled: true, ...values } } });
  return find(objects, 'Ingress', 'switchboard-edge-api');
}

describe('services', () => {
  let objects: KubernetesObject[];
  beforeAll(async () => {
    objects = await renderChart();
  });

  it('keep the private port of the edges off the public service', () => {
    expect(find(objects, 'Service', 'switchboard-edge-api')).toMatchObject({
      spec: { type: 'ClusterIP', ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
    });
    expect(find(objects, 'Service', 'switchboard-edge-api-private')).toMatchObject({
      spec: { ports: [{ name: 'private', port: 9090 }] },
    });
  });

  it('name pods that drain where only metrics are read, and none where somebody asks something', () => {
    const tellsOf = (name: string): unknown => at(find(objects, 'Service', name), 'spec.publishNotReadyAddresses');
    expect(
      ['edge-api-private', 'router', 'rate-limit', 'metering'].map((name) => tellsOf(`switchboard-${name}`)),
    ).toEqual(Array(4).fill(true));
    expect(['edge-api', 'admin-api'].map((name) => tellsOf(`switchboard-${name}`))).toEqual([undefined, undefined]);
  });

  it('are what the test asks', () => {
    const [container] = podOf(objects, 'test', 'Pod').containers;
    expect(container?.args?.[1]).toContain("'http://switchboard-edge-api:80/v1/models'");
    expect(find(objects, 'Pod', 'switchboard-test').metadata.annotations).toMatchObject({ 'helm.sh/hook': 'test' });
  });
});

describe('the Ingress', () => {
  it('leads every host to the public port', async () => {
    const tls = [{ secretName: 'a-tls', hosts: ['a.example'] }];
    const object = await ingress({ className: 'x', hosts: ['a.example', 'b.example'], tls });
    const backend = { service: { name: 'switchboard-edge-api', port: { name: 'http' } } };
    const http = { paths: [{ path: '/', pathType: 'Prefix', backend }] };
    expect(object['spec']).toEqual({
      ...{ ingressClassName: 'x', tls },
      rules: [
        { host: 'a.example', http },
        { host: 'b.example', http },
      ],
    });
  });

  it('leads everything there without a host', async () => {
    expect(at(await ingress({}), 'spec.rules')).toEqual([{ http: expect.anything() }]);
  });

  it.each([
    [
      'ingress-nginx',
      {
        'nginx.ingress.kubernetes.io/proxy-buffering': 'off',
        'nginx.ingress.kubernetes.io/proxy-request-buffering': 'off',
        'nginx.ingress.kubernetes.io/proxy-http-version': '1.1',
        'nginx.ingress.kubernetes.io/proxy-read-timeout': '3600',
        'nginx.ingress.kubernetes.io/proxy-send-timeout': '3600',
        'nginx.ingress.kubernetes.io/proxy-body-size': '33554432',
      },
    ],
    [
      'nginx',
      {
        'nginx.org/proxy-buffering': 'False',
        'nginx.org/proxy-read-timeout': '3600s',
        'nginx.org/proxy-send-timeout': '3600s',
        'nginx.org/client-max-body-size': '33554432',
      },
    ],
    ['haproxy', { 'haproxy.org/timeout-server': '3600s' }],
    ['contour', { 'projectcontour.io/response-timeout': '3600s' }],
    [
      'alb',
      {
        'alb.ingress.kubernetes.io/target-type': 'ip',
        'alb.ingress.kubernetes.io/healthcheck-path': '/api/hello',
        'alb.ingress.kubernetes.io/load-balancer-attributes': 'idle_timeout.timeout_seconds=3600',
        'alb.ingress.kubernetes.io/target-group-attributes': 'deregistration_delay.timeout_seconds=3600',
      },
    ],
    ['traefik', undefined],
    ['none', undefined],
  ])('neither buffers nor cuts streams: %s', async (controller, annotations) => {
    expect((await ingress({ controller })).metadata.annotations).toEqual(annotations);
  });

  it('takes annotations before those of the controller', async () => {
    const own = { 'nginx.ingress.kubernetes.io/proxy-read-timeout': '60', x: 'y' };
    const { metadata } = await ingress({ controller: 'ingress-nginx', annotations: own });
    expect(metadata.annotations).toMatchObject({ ...own, 'nginx.ingress.kubernetes.io/proxy-buffering': 'off' });
  });
});

describe('the HTTPRoute', () => {
  const parentRefs = [{ name: 'gateway', namespace: 'gateways' }];

  it('leads to the public port, and gives a stream an hour', async () => {
    const objects = await renderChart({
      values: { httpRoute: { enabled: true, parentRefs, hostnames: ['a.example'] } },
    });
    expect(find(objects, 'HTTPRoute', 'switchboard-edge-api')).toMatchObject({
      spec: {
        ...{ parentRefs, hostnames: ['a.example'] },
        rules: [
          {
            timeouts: { request: '1h', backendRequest: '1h' },
            backendRefs: [{ name: 'switchboard-edge-api', port: 80 }],
          },
        ],
      },
    });
  });

  it('must belong to a gateway', async () => {
    await expect(renderChart({ values: { httpRoute: { enabled: true } } })).rejects.toThrow('must name a gateway');
  });
});

describe('monitoring', () => {
  const all = Object.fromEntries(
    ['podMonitor', 'serviceMonitor', 'prometheusRule', 'dashboards'].map((name) => [
      name,
      { enabled: true, labels: { for: name } },
    ]),
  );

  it('scrapes the private port of every pod; the component is the job', async () => {
    const objects = await renderChart({ values: { monitoring: all } });
    for (const kind of ['PodMonitor', 'ServiceMonitor']) {
      const endpoints = [{ port: 'private', path: '/metrics', interval: '30s' }];
      expect(find(objects, kind, 'switchboard')).toMatchObject({
        metadata: { labels: { for: expect.stringMatching(new RegExp(kind, 'i')) } },
        spec: {
          jobLabel: 'app.kubernetes.io/component',
          [kind === 'PodMonitor' ? 'podMetricsEndpoints' : 'endpoints']: endpoints,
        },
      });
    }
  });

  it('has every file of rules and every dashboard, as it is', async () => {
    const objects = await renderChart({ values: { monitoring: all } });
    const rules = objects.filter(({ kind }) => kind === 'PrometheusRule');
    expect(rules.map(({ spec }) => spec)).toEqual(
      filesIn('alerts').map((name) => parse(readFileSync(path.join(CHART, 'alerts', name), 'utf8'))),
    );
    const dashboards = objects.filter(({ metadata }) => metadata.labels?.['for'] === 'dashboards');
    const shown = dashboards.flatMap(({ data }) => Object.entries(data as Record<string, string>));
    expect(shown.map(([name]) => name)).toEqual(filesIn('dashboards'));
    for (const [name, text] of shown) {
      expect(JSON.parse(text)).toEqual(JSON.parse(readFileSync(path.join(CHART, 'dashboards', name), 'utf8')));
      expect(text.length).toBeLessThan(1_000_000);
    }
  });

  it('leads from alerts to runbooks where these are', async () => {
    const prometheusRule = { enabled: true, runbookBaseUrl: 'https://runbooks.example/' };
    const objects = await renderChart({ values: { monitoring: { prometheusRule } } });
    const links = [...JSON.stringify(objects).matchAll(/"runbook_url":"([^"]*)"/g)].map(([, link]) => link);
    expect(links.filter((link) => !/^https:\/\/runbooks\.example\/[A-Za-z]+\.md$/.test(link ?? ''))).toEqual([]);
  });

  it('is nothing where none is wanted', async () => {
    const kinds = new Set((await renderChart()).map(({ kind }) => kind));
    expect([...kinds].filter((kind) => /Monitor|Rule/.test(kind))).toEqual([]);
  });
});

it('objects of one’s own are rendered, templates in them too', async () => {
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: '{{ .Release.Name }}-mine' } };
  const objects = await renderChart({ values: { extraObjects: [object] } });
  expect(find(objects, 'ConfigMap', 'switchboard-mine')).toBeDefined();
});
