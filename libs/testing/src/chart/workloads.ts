import { find, type KubernetesObject } from './render-chart';

/** The parts of a pod that the charts' tests look at. */
export interface PodSpec {
  [field: string]: unknown;
  serviceAccountName?: string;
  automountServiceAccountToken?: boolean;
  terminationGracePeriodSeconds?: number;
  restartPolicy?: string;
  securityContext?: Record<string, unknown>;
  containers: Container[];
  initContainers?: Container[];
  volumes?: ({ name: string } & Record<string, unknown>)[];
}

export interface Container {
  [field: string]: unknown;
  name: string;
  image: string;
  args?: string[];
  env?: Variable[];
  securityContext?: Record<string, unknown>;
}

export interface Variable {
  name: string;
  value?: string;
  valueFrom?: { secretKeyRef?: { name: string; key: string }; fieldRef?: object };
}

/** Of what makes pods, or is one; absent for everything else. */
export function podSpecOf(object: KubernetesObject): PodSpec | undefined {
  const spec = object['spec'] as { template?: { spec: PodSpec } } | undefined;
  switch (object.kind) {
    case 'Deployment':
    case 'StatefulSet':
    case 'Job':
      return spec?.template?.spec;
    case 'Pod':
      return spec as PodSpec | undefined;
    default:
      return undefined;
  }
}

/** Of the workload `switchboard-<component>`. */
export function podOf(objects: KubernetesObject[], component: string, kind = 'Deployment'): PodSpec {
  const spec = podSpecOf(find(objects, kind, `switchboard-${component}`));
  if (spec === undefined) throw new Error(`${component} has no pod`);
  return spec;
}

/** The variables of a component's container; a value from a Secret is what `secrets` has under its key. */
export function environmentOf(pod: PodSpec, secrets: Record<string, string> = {}): Record<string, string> {
  const [container] = pod.containers;
  return Object.fromEntries(
    (container?.env ?? []).map(({ name, value, valueFrom }) => {
      const key = valueFrom?.secretKeyRef?.key;
      if (key === undefined) return [name, value ?? (valueFrom?.fieldRef === undefined ? '' : 'pod-0')];
      const secret = secrets[key];
      if (secret === undefined) throw new Error(`${name} is the key ${key} of a Secret, which the test does not know`);
      return [name, secret];
    }),
  );
}

/** Of variables, or of settings; but for those of tracing, which are set only where there is a collector. Sorted. */
export function namesIn(named: object): string[] {
  return Object.keys(named)
    .filter((name) => !/^(OTEL|TRACE)_/.test(name))
    .sort();
}
