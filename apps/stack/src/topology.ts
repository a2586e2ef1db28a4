/** The five services, in the order a rolling restart takes them: those that others ask first. */
export const SERVICES = ['router', 'rate-limit', 'metering', 'admin-api', 'edge-api'] as const;
export type ServiceName = (typeof SERVICES)[number];

/** What the services keep their state in. */
export const SERVERS = ['postgres', 'redis', 'nats'] as const;
export type ServerName = (typeof SERVERS)[number];

export const SIMULATOR = 'simulator';

export type Replicas = Readonly<Record<ServiceName, number>>;

/** Two edges, so that one can always be replaced while the other serves. */
export const DEFAULT_REPLICAS: Replicas = {
  router: 1,
  'rate-limit': 1,
  metering: 1,
  'admin-api': 1,
  'edge-api': 2,
};

export function isService(name: string): name is ServiceName {
  return (SERVICES as readonly string[]).includes(name);
}

/** One process or server of a running stack, as the state file tells of it. */
export interface ProcessEntry {
  /** `edge-api`, `postgres`, …: replicas of a service share it. */
  name: string;
  pid: number;
  port: number;
  /** Where its clients reach it: an edge's public port, a service's private one, a server's own form of URL. */
  url: string;
  kind: 'service' | 'server' | 'simulator';
  /** From 1. */
  replica: number;
  status: 'starting' | 'ready' | 'draining';
  /** Probes and metrics of an edge. */
  adminUrl?: string;
}

/** `edge-api-2`; without the number where there is only one. Names its log, and the one that is meant on a command line. */
export function labelOf(name: string, replica: number, replicas: number): string {
  return replicas === 1 ? name : `${name}-${replica}`;
}
