import type { NanoUsd } from './money';

/** `*`: everything that serves a client. `admin`: to see how the gateway decides; nothing else includes it. */
export type Permission = 'llm' | 'embeddings' | 'stt' | 'tts' | 'image' | 'search' | 'admin' | '*';

export interface Limits {
  rpm?: number;
  itpm?: number;
  otpm?: number;
  concurrency?: number;
}

export interface Budget {
  nanoUsd: NanoUsd;
  period: 'total' | 'day' | 'week' | 'month';
}

export interface Tenant {
  id: string;
  name: string;
  active: boolean;
  limits: Limits;
  budget?: Budget;
  /** All it ever paid in advance: what it may spend in total. Absent: it pays afterwards. */
  creditsNanoUsd?: NanoUsd;
}

/** A tenant as it is administered: with what no edge needs to know. */
export interface AdministeredTenant extends Tenant {
  /** Whole days; absent: as long as the process's setting says. */
  callLogRetentionDays?: number;
}

/** What the edge knows of a key: everything but the key. */
export interface KeyRecord {
  id: string;
  /** SHA-256 of the plaintext, lower-case hex. */
  hash: string;
  name: string;
  kind: 'service' | 'user' | 'team';
  tenant: Tenant;
  permissions: Permission[];
  /** Globs over resolved model ids (`anthropic/*`) and `auto`; empty: all. */
  models: string[];
  /** Allowed values of the `Origin` header; empty: all. */
  origins: string[];
  /** CIDR ranges; empty: all. */
  ips: string[];
  expiresAtMs?: number;
  revoked: boolean;
  limits: Limits;
  budget?: Budget;
  logging: { requests: boolean; prompts: boolean };
}

/**
 * Port: key records by the SHA-256 (lower-case hex) of the plaintext. What is in memory comes at once; what has to be
 * looked up comes as a promise, which rejects with KeyStoreUnavailableError while nobody can tell.
 */
export interface KeyDirectory {
  /** Undefined: there is no such key. */
  find(sha256Hex: string): KeyRecord | undefined | Promise<KeyRecord | undefined>;
}

/** The key is not in this process's memory, and where it could be looked up is away or too busy. */
export class KeyStoreUnavailableError extends Error {
  override readonly name = 'KeyStoreUnavailableError';
}
