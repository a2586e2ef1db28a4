import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';

const run = promisify(execFile);

/** The same from `src` and from `dist`. */
const ROOT = path.join(__dirname, '../../../..');

export const KUBERNETES_VERSIONS = ['1.29', '1.30', '1.31', '1.32', '1.33', '1.34', '1.35'] as const;
export type KubernetesVersion = (typeof KUBERNETES_VERSIONS)[number];
export type ChartName = 'switchboard' | 'switchboard-deps';

/** An object as the chart renders it; what is below is for the test to know. */
export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  [field: string]: unknown;
}

export interface Rendering {
  chart?: ChartName;
  /** Name of a file in the chart's `examples/`. */
  example?: string;
  /** Laid over that. */
  values?: object;
  kubernetes?: KubernetesVersion;
}

let program: Promise<string> | undefined;

/** @throws Error that says what to install, where there is no helm and none can be fetched. */
async function helm(args: string[], input = ''): Promise<string> {
  program ??= run(process.execPath, [path.join(ROOT, 'deploy/chart/helm.mjs')]).then(
    ({ stdout }) => stdout.trim(),
    ({ stderr }: { stderr: string }) => Promise.reject(new Error(stderr)),
  );
  const child = run(await program, args, { cwd: ROOT, maxBuffer: 64 * 1024 * 1024 });
  child.child.stdin?.end(input);
  return child.then(
    ({ stdout }) => stdout,
    ({ stdout, stderr }: { stdout: string; stderr: string }) => Promise.reject(new Error(`${stdout}${stderr}`)),
  );
}

function chartArguments({ chart = 'switchboard', example, values = {} }: Rendering): { args: string[]; input: string } {
  const folder = path.join('helm', chart);
  const files = example === undefined ? [] : ['--values', path.join(folder, 'examples', `${example}.yaml`)];
  return { args: [folder, ...files, '--values', '-'], input: JSON.stringify(values) };
}

const rendered = new Map<string, Promise<KubernetesObject[]>>();

/**
 * What `helm template` makes of a chart of this repository, for a release `switchboard` in a namespace `gateway`. The same
 * again for the same: to be looked at, not changed.
 *
 * @throws Error with helm's words.
 */
export async function renderChart(rendering: Rendering = {}): Promise<KubernetesObject[]> {
  const key = JSON.stringify(rendering);
  const known = rendered.get(key) ?? render(rendering);
  rendered.set(key, known);
  return known;
}

async function render(rendering: Rendering): Promise<KubernetesObject[]> {
  const { args, input } = chartArguments(rendering);
  const version = `${rendering.kubernetes ?? '1.35'}.0`;
  const release = rendering.chart ?? 'switchboard';
  const options = ['--namespace', 'gateway', '--kube-version', version];
  return readObjects(await helm(['template', release, ...args, ...options], input));
}

/** @throws Error with what `helm lint --strict` has to say. */
export async function lintChart(rendering: Rendering = {}): Promise<void> {
  const { args, input } = chartArguments(rendering);
  await helm(['lint', '--strict', ...args], input);
}

function readObjects(text: string): KubernetesObject[] {
  // YAML 1.1, as Kubernetes reads it: `off` is a boolean. A repeated key is an error here, where it takes the last one.
  return parseAllDocuments(text, { version: '1.1' }).flatMap((document) => {
    const [fault] = document.errors;
    if (fault !== undefined) throw fault;
    const object = document.toJS() as KubernetesObject | null;
    return object === null ? [] : [object];
  });
}

/** @throws Error where there is none, or more than one. */
export function find(objects: KubernetesObject[], kind: string, name: string): KubernetesObject {
  const found = objects.filter((object) => object.kind === kind && object.metadata.name === name);
  const [object] = found;
  if (object === undefined || found.length > 1) throw new Error(`${found.length} objects are a ${kind} ${name}`);
  return object;
}

/** What an object has at `spec.template.metadata`, say; undefined where there is nothing. The caller says what it expects. */
export function at<T>(object: KubernetesObject, path: string): T {
  const step = (value: unknown, field: string): unknown => (value as Record<string, unknown> | undefined)?.[field];
  return path.split('.').reduce<unknown>(step, object) as T;
}
