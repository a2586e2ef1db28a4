/**
 * Makes `deploy/chart/schemas/` anew: the official schemas of what the charts render, of every Kubernetes version they
 * support, closed (a field that no schema knows is a fault) and compressed. Only needed for another version or kind:
 *
 *   node deploy/chart/schemas.mjs
 *
 * The sources are Go modules as proxy.golang.org has them; their checksums are below, so that they cannot change unseen.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import yaml from 'yaml';
import { closed, reachable } from './close-schema.mjs';
import { fileInZip } from './zip.mjs';

const folder = path.join(path.dirname(fileURLToPath(import.meta.url)), 'schemas');

/** Version of the module `k8s.io/kubernetes`, and the SHA-256 of its archive. */
const kubernetes = {
  'v1.29.15': '3b627faeee946a80e98e2a489866fa8534ccf33860f3d0c3c8fe1c035346a46e',
  'v1.30.14': '37f61393f5f6303eca578cb027b3d4b83bb4ac3916426ba6961a78cddf083815',
  'v1.31.14': '823014fb3b8643f3ec52be922cabf0446e92423b2d8f40ffa0c1f5ff3fbe82e8',
  'v1.32.13': '545b73e6a5df5b9db8c724e4d9b60d2c0c70f55e48de455a067c16f4f2dad86e',
  'v1.33.13': 'cd4e4f983deae0fe76915c8d0ae4caf0c2d74c7f377b2e0cd27cc5ce3794b56d',
  'v1.34.9': '880df532f50946998114ad6b475fa5bd1a21409689f7de85941e36902d81e9ff',
  'v1.35.5': 'c76924f38aefb5ffe903c4ffdb68e6ed0f4c0a930f68924f991d2cd2f9d77751',
};

const kinds = [
  'apps/v1 Deployment',
  'apps/v1 StatefulSet',
  'autoscaling/v2 HorizontalPodAutoscaler',
  'batch/v1 Job',
  'networking.k8s.io/v1 Ingress',
  'networking.k8s.io/v1 NetworkPolicy',
  'policy/v1 PodDisruptionBudget',
  'v1 ConfigMap',
  'v1 Pod',
  'v1 Secret',
  'v1 Service',
  'v1 ServiceAccount',
];

/** The oldest release of each that the chart promises to work with. */
const definitions = [
  {
    module: 'sigs.k8s.io/gateway-api@v1.2.1',
    sha256: '7357b0597a4e35ae09ce3aff09bf0bbc62ae0b61720dc142385e436be0c3a879',
    files: ['config/crd/standard/gateway.networking.k8s.io_httproutes.yaml'],
  },
  {
    module: 'github.com/kedacore/keda/v2@v2.16.1',
    sha256: 'ccb104c6e2cf35d16c9ceac520fa8d92afd9377b58ff62a668e5946eb4f18e2c',
    files: ['config/crd/bases/keda.sh_scaledobjects.yaml'],
  },
  {
    module: 'github.com/prometheus-operator/prometheus-operator@v0.85.0',
    sha256: '0bdb88ed823d0f2e86cf909638439b6ad1da744a228172c7411d9987527dc5d1',
    files: ['podmonitors', 'prometheusrules', 'servicemonitors'].map(
      (name) => `example/prometheus-operator-crd/monitoring.coreos.com_${name}.yaml`,
    ),
  },
];

async function fetchModule(module, sha256) {
  const [name, version] = module.split(/@(?=v)/);
  const response = await fetch(`https://proxy.golang.org/${name}/@v/${version}.zip`);
  if (!response.ok) throw new Error(`${module}: HTTP ${response.status}`);
  const archive = Buffer.from(await response.arrayBuffer());
  const found = createHash('sha256').update(archive).digest('hex');
  if (found !== sha256) throw new Error(`${module}: its SHA-256 is ${found}, not ${sha256}`);
  return archive;
}

async function kubernetesSchemas(version, sha256) {
  const module = `k8s.io/kubernetes@${version}`;
  const archive = await fetchModule(module, sha256);
  const swagger = JSON.parse(fileInZip(archive, `${module}/api/openapi-spec/swagger.json`).toString('utf8'));
  const roots = Object.entries(swagger.definitions).flatMap(([name, definition]) =>
    (definition['x-kubernetes-group-version-kind'] ?? []).flatMap(({ group, version: apiVersion, kind }) => {
      const id = `${group === '' ? '' : `${group}/`}${apiVersion} ${kind}`;
      return kinds.includes(id) ? [[id, name]] : [];
    }),
  );
  const missing = kinds.filter((kind) => !roots.some(([id]) => id === kind));
  if (missing.length > 0) throw new Error(`${module} has no ${missing.join(', ')}`);
  const names = reachable(
    swagger.definitions,
    roots.map(([, name]) => name),
  );
  return {
    kinds: Object.fromEntries(roots.sort()),
    definitions: Object.fromEntries(names.map((name) => [name, closed(swagger.definitions[name])])),
  };
}

async function customSchemas() {
  const schemas = {};
  for (const { module, sha256, files } of definitions) {
    const archive = await fetchModule(module, sha256);
    for (const file of files) {
      const { spec } = yaml.parse(fileInZip(archive, `${module}/${file}`).toString('utf8'));
      for (const version of spec.versions.filter(({ served }) => served)) {
        schemas[`${spec.group}/${version.name} ${spec.names.kind}`] = closed(version.schema.openAPIV3Schema);
      }
    }
  }
  return schemas;
}

function write(name, content) {
  const file = path.join(folder, `${name}.json.gz`);
  writeFileSync(file, gzipSync(JSON.stringify(content), { level: 9 }));
  console.log(`wrote ${path.relative(process.cwd(), file)}`);
}

mkdirSync(folder, { recursive: true });
for (const name of readdirSync(folder)) if (name.endsWith('.json.gz')) rmSync(path.join(folder, name));
for (const [version, sha256] of Object.entries(kubernetes)) {
  write(`kubernetes-${version.split('.').slice(0, 2).join('.').slice(1)}`, await kubernetesSchemas(version, sha256));
}
write('custom-resources', await customSchemas());
