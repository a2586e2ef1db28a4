import { at, find, type KubernetesObject, renderChart } from './render-chart';
import { podOf, podSpecOf, type PodSpec } from './workloads';

let objects: KubernetesObject[];
beforeAll(async () => {
  objects = await renderChart();
});

/** Variables that come from Secrets, as `Secret/key`. */
function secretsOf(pod: PodSpec): Record<string, string> {
  const variables = pod.containers.flatMap(({ env }) => env ?? []);
  return Object.fromEntries(
    variables.flatMap(({ name, valueFrom }) => {
      const from = valueFrom?.secretKeyRef;
      return from === undefined ? [] : [[name, `${from.name}/${from.key}`]];
    }),
  );
}

describe('secrets', () => {
  it.each([
    ['edge-api', ['KEK', 'KEY_PEPPER', 'NATS_URL']],
    ['router', ['NATS_URL']],
    ['rate-limit', ['NATS_URL', 'REDIS_URL']],
    ['metering', ['DATABASE_URL', 'KEK', 'NATS_URL', 'REDIS_URL']],
    ['admin-api', ['ADMIN_TOKEN', 'DATABASE_URL', 'KEK', 'KEY_PEPPER', 'NATS_URL']],
  ])('reach the pods that need them and no others: %s', (component, names) => {
    const expected = Object.fromEntries(names.map((name) => [name, `switchboard/${name}`]));
    expect(secretsOf(podOf(objects, component))).toEqual(expected);
  });

  it('reach the migration as the database’s own alone', () => {
    expect(secretsOf(podOf(objects, 'migration', 'Job'))).toEqual({ DATABASE_URL: 'switchboard/DATABASE_URL' });
  });

  it('of the migration may lead past a pooler', async () => {
    const values = { migration: { databaseUrl: { existingSecret: 'direct', key: 'url' } } };
    const rendered = await renderChart({ values });
    expect(secretsOf(podOf(rendered, 'migration', 'Job'))).toEqual({ DATABASE_URL: 'direct/url' });
    expect(secretsOf(podOf(rendered, 'metering'))).toMatchObject({ DATABASE_URL: 'switchboard/DATABASE_URL' });
  });

  it('come each from a Secret and key of its own, if it is said so', async () => {
    const secrets = { existingSecret: 'all', kek: { existingSecret: 'vault', key: 'ring', value: '' } };
    const rendered = await renderChart({ values: { secrets } });
    expect(secretsOf(podOf(rendered, 'edge-api'))).toEqual({
      ...{ KEK: 'vault/ring', KEY_PEPPER: 'all/KEY_PEPPER', NATS_URL: 'all/NATS_URL' },
    });
    expect(rendered.filter(({ kind }) => kind === 'Secret')).toEqual([]);
  });

  it('that are given as values stand in Secrets, and nowhere else', async () => {
    const given = ['kek', 'keyPepper', 'adminToken', 'databaseUrl', 'redisUrl', 'natsUrl'];
    const secrets = Object.fromEntries(given.map((name) => [name, { value: `value-of-${name}` }]));
    const values = { secrets, edgeApi: { autoscaling: { enabled: true } }, ingress: { enabled: true } };
    const rendered = await renderChart({ values });
    const others = rendered.filter(({ kind }) => kind !== 'Secret');
    expect(JSON.stringify(others)).not.toContain('value-of-');
    expect(find(rendered, 'Secret', 'switchboard-values')['stringData']).toEqual({
      ...{ KEK: 'value-of-kek', KEY_PEPPER: 'value-of-keyPepper', ADMIN_TOKEN: 'value-of-adminToken' },
      ...{ DATABASE_URL: 'value-of-databaseUrl', REDIS_URL: 'value-of-redisUrl', NATS_URL: 'value-of-natsUrl' },
    });
    expect(secretsOf(podOf(rendered, 'rate-limit'))).toMatchObject({ REDIS_URL: 'switchboard-values/REDIS_URL' });
  });

  it('that are given as values are there for the migration, which comes before them', async () => {
    const rendered = await renderChart({ values: { secrets: { databaseUrl: { value: 'postgresql://d' } } } });
    expect(find(rendered, 'Secret', 'switchboard-migration')).toMatchObject({
      metadata: { annotations: { 'helm.sh/hook': 'pre-install,pre-upgrade', 'helm.sh/hook-weight': '-10' } },
      stringData: { DATABASE_URL: 'postgresql://d' },
    });
    expect(secretsOf(podOf(rendered, 'migration', 'Job'))).toEqual({
      DATABASE_URL: 'switchboard-migration/DATABASE_URL',
    });
  });

  it('that are given as values make new pods when they change', async () => {
    const sums = await Promise.all(
      ['a', 'b'].map(async (value) => {
        const rendered = await renderChart({ values: { secrets: { kek: { value } } } });
        const edges = find(rendered, 'Deployment', 'switchboard-edge-api');
        return at<Record<string, string>>(edges, 'spec.template.metadata.annotations')['checksum/secrets'];
      }),
    );
    expect(new Set(sums).size).toBe(2);
  });
});

describe('gateway.yaml', () => {
  it('is a ConfigMap, mounted as a folder so that changes are seen', async () => {
    const config = { brand: { slug: 'acme', keyPrefix: 'acme' } };
    const rendered = await renderChart({ values: { gateway: { config, secretFiles: ['providers'] } } });
    expect(find(rendered, 'ConfigMap', 'switchboard-gateway')['data']).toEqual({
      'gateway.yaml': 'brand:\n  keyPrefix: acme\n  slug: acme\n',
    });
    const pod = podOf(rendered, 'admin-api');
    const mounts = pod.containers[0]?.['volumeMounts'] as object[];
    expect(mounts).toContainEqual({ name: 'gateway', mountPath: '/etc/switchboard', readOnly: true });
    expect(mounts).toContainEqual({
      name: 'secret-0',
      mountPath: '/run/secrets/switchboard/providers',
      readOnly: true,
    });
    expect(JSON.stringify(mounts)).not.toContain('subPath');
    expect(pod.volumes).toContainEqual({ name: 'secret-0', secret: { secretName: 'providers', defaultMode: 0o440 } });
  });

  it('may be a ConfigMap of one’s own', async () => {
    const rendered = await renderChart({ values: { gateway: { existingConfigMap: 'mine' } } });
    expect(rendered.filter(({ kind }) => kind === 'ConfigMap')).toEqual([]);
    const items = [{ key: 'gateway.yaml', path: 'gateway.yaml' }];
    expect(podOf(rendered, 'admin-api').volumes).toContainEqual({
      name: 'gateway',
      configMap: { name: 'mine', items },
    });
  });

  it.each([
    ['a provider', { providers: [{ id: 'claude', apiKey: { value: 'sk-1' } }] }, 'provider claude'],
    ['a key', { tenants: [{ id: 'a', keys: [{ name: 'ci', key: { value: 'cm_1' } }] }] }, 'key ci of tenant a'],
  ])('holds no secret in the clear: that of %s is refused', async (_, config, what) => {
    const refused = renderChart({ values: { gateway: { config } } });
    await expect(refused).rejects.toThrow(`${what} is in the clear`);
    await expect(refused).rejects.not.toThrow(/sk-1|cm_1/);
  });
});

describe('network policies', () => {
  interface Rule {
    ports: { port: number | string; protocol: string }[];
    from?: object[];
    to?: { ipBlock?: { cidr: string; except: string[] } }[];
  }
  interface Policy {
    podSelector: { matchLabels: Record<string, string> };
    ingress: Rule[];
    egress: Rule[];
  }
  const policyOf = (name: string): Policy => at(find(objects, 'NetworkPolicy', `switchboard-${name}`), 'spec');
  const portsOut = (name: string): (number | string)[] =>
    policyOf(name)
      .egress.flatMap(({ ports }) => ports.map(({ port }) => port))
      .filter((port) => port !== 53);

  it('deny every pod of the release what no other policy allows', () => {
    const policy = policyOf('default-deny');
    const { matchLabels } = policy.podSelector;
    expect(policy).toEqual({ podSelector: { matchLabels }, policyTypes: ['Ingress', 'Egress'] });
    const withPods = objects.filter((object) => podSpecOf(object) !== undefined);
    expect(withPods.length).toBeGreaterThan(5);
    for (const object of withPods) {
      const where = object.kind === 'Pod' ? 'metadata.labels' : 'spec.template.metadata.labels';
      expect(at(object, where)).toMatchObject(matchLabels);
    }
  });

  it.each([
    ['edge-api', [4222, 443]],
    ['router', [4222, 443]],
    ['rate-limit', [4222, 6379]],
    ['metering', [4222, 6379, 5432, 443]],
    ['admin-api', [4222, 5432]],
    ['migration', [5432]],
    ['test', ['http']],
  ])('let out what is needed: %s', (component, ports) => {
    expect(portsOut(component)).toEqual(ports);
  });

  it('let nobody but metering, admin-api and the migration reach Postgres, nobody but rate-limit and metering Redis', () => {
    const reaching = (port: number): string[] =>
      objects
        .filter(({ kind, metadata }) => kind === 'NetworkPolicy' && !metadata.name.endsWith('default-deny'))
        .map(({ metadata }) => metadata.name.replace('switchboard-', ''))
        .filter((name) => portsOut(name).includes(port));
    expect(reaching(5432).sort()).toEqual(['admin-api', 'metering', 'migration']);
    expect(reaching(6379).sort()).toEqual(['metering', 'rate-limit']);
  });

  it('keep private networks and the cloud’s metadata out of reach of upstream calls', () => {
    const upstreams = policyOf('edge-api').egress.find(({ ports }) => ports[0]?.port === 443);
    expect(upstreams?.to?.[0]?.ipBlock?.except).toEqual(
      expect.arrayContaining(['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16']),
    );
  });

  it('let Prometheus alone in at the private ports, the admin API’s too', () => {
    for (const component of ['router', 'rate-limit', 'metering', 'admin-api']) {
      expect(policyOf(component).ingress).toEqual([
        {
          ports: [{ port: 'private', protocol: 'TCP' }],
          from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
        },
      ]);
    }
  });

  it('let in whom the values name: at the edge, with the test, and at the admin API', async () => {
    const from = [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ingress-nginx' } } }];
    objects = await renderChart({ values: { networkPolicy: { edge: { from }, admin: { from } } } });
    const [, publicPort] = policyOf('edge-api').ingress;
    expect(publicPort?.ports).toEqual([{ port: 'http', protocol: 'TCP' }]);
    expect(publicPort?.from).toMatchObject([
      from[0],
      { podSelector: { matchLabels: { 'app.kubernetes.io/component': 'test' } } },
    ]);
    expect(policyOf('admin-api').ingress[1]?.from).toEqual(from);
    objects = await renderChart();
  });

  it('let admin-api out to the identity provider, where there is one', async () => {
    const oidc = { issuer: 'https://login.example', audience: 'a' };
    objects = await renderChart({ values: { adminApi: { config: { oidc } } } });
    expect(portsOut('admin-api')).toEqual([4222, 5432, 443]);
    objects = await renderChart();
  });

  it('let those out to the collector that send to it, where there is one', async () => {
    objects = await renderChart({ values: { tracing: { endpoint: 'http://collector:4318' } } });
    const services = ['edge-api', 'router', 'rate-limit', 'metering', 'admin-api'];
    expect(services.filter((component) => portsOut(component).includes(4318))).toEqual([
      'edge-api',
      'rate-limit',
      'metering',
    ]);
    objects = await renderChart();
  });

  it('are left to others where that is wanted', async () => {
    const rendered = await renderChart({ values: { networkPolicy: { enabled: false } } });
    expect(rendered.filter(({ kind }) => kind === 'NetworkPolicy')).toEqual([]);
  });
});
