import type { KeyRecord } from '@switchboard/contracts';

/** A key that may do everything, but for what a test changes. */
export function keyRecord(changes: Partial<KeyRecord> = {}): KeyRecord {
  return {
    id: 'key_test',
    hash: 'hash-of-good-key',
    name: 'test',
    kind: 'service',
    tenant: { id: 'acme', name: 'Acme', active: true, limits: {} },
    permissions: ['*'],
    models: [],
    origins: [],
    ips: [],
    revoked: false,
    limits: {},
    logging: { requests: false, prompts: false },
    ...changes,
  };
}
