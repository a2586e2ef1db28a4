import type { Container, PodSpec } from './workloads';

/** What the restricted Pod Security Standard allows as a volume. */
const VOLUMES = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
];

/**
 * Where a pod breaks the restricted Pod Security Standard (https://kubernetes.io/docs/concepts/security/pod-security-standards),
 * or a rule of our own beyond it: a root that cannot be written, no token of the API, an account of its own.
 */
export function podSecurityFaults(pod: PodSpec): string[] {
  const faults: string[] = [];
  const refuse = (isBroken: boolean, what: string): void => {
    if (isBroken) faults.push(what);
  };
  for (const field of ['hostNetwork', 'hostPID', 'hostIPC']) refuse(pod[field] === true, field);
  for (const { name, ...source } of pod.volumes ?? []) {
    const kinds = Object.keys(source);
    refuse(
      kinds.some((kind) => !VOLUMES.includes(kind)),
      `volume ${name} is a ${kinds.join()}`,
    );
  }
  refuse(pod.automountServiceAccountToken !== false, 'a token of the API is mounted');
  for (const container of [...pod.containers, ...(pod.initContainers ?? [])]) {
    faults.push(...containerFaults(container, pod.securityContext ?? {}).map((fault) => `${container.name}: ${fault}`));
  }
  return faults;
}

function containerFaults(container: Container, ofPod: Record<string, unknown>): string[] {
  const own = container.securityContext ?? {};
  const effective = { ...ofPod, ...own };
  const capabilities = (own['capabilities'] ?? {}) as { add?: string[]; drop?: string[] };
  const profile = effective['seccompProfile'] as { type?: string } | undefined;
  const ports = (container['ports'] ?? []) as { hostPort?: number }[];
  const broken: [boolean, string][] = [
    [own['privileged'] === true, 'is privileged'],
    [own['allowPrivilegeEscalation'] !== false, 'may escalate'],
    [effective['runAsNonRoot'] !== true, 'may run as root'],
    [effective['runAsUser'] === 0, 'runs as root'],
    [capabilities.drop?.includes('ALL') !== true, 'keeps capabilities'],
    [(capabilities.add ?? []).some((name) => name !== 'NET_BIND_SERVICE'), 'adds capabilities'],
    [!['RuntimeDefault', 'Localhost'].includes(profile?.type ?? ''), 'has no seccomp profile'],
    [own['procMount'] !== undefined, 'has a proc mount of its own'],
    [ports.some(({ hostPort }) => hostPort !== undefined), 'takes a port of the node'],
    [own['readOnlyRootFilesystem'] !== true, 'can write its root'],
  ];
  return broken.flatMap(([isBroken, what]) => (isBroken ? [what] : []));
}
