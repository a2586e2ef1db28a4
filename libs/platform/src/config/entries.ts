import type { z } from 'zod';
import type { ConfigPath, Faults } from './faults';
import type { SecretSources } from './secret';

/** What the readers of all sections share while one file is read. */
export interface Reading {
  faults: Faults;
  warnings: string[];
  secrets: SecretSources;
  /** One process on one's own machine: loopback upstreams are fine. */
  standalone: boolean;
}

/**
 * One item of a list. `value` is absent where the item has faults of its own; what can be read of it is still checked
 * against the rest, through `raw`, so that one bad field hides nothing else.
 */
export interface Entry<T> {
  path: ConfigPath;
  raw: Readonly<Record<string, unknown>>;
  value: T | undefined;
}

export function asList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

export function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

export function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export function readEntries<T>(schema: z.ZodType<T>, list: unknown, path: ConfigPath, faults: Faults): Entry<T>[] {
  return asList(list).map((item, index) => {
    const entryPath = [...path, index];
    const parsed = schema.safeParse(item);
    if (!parsed.success) faults.addIssues(entryPath, parsed.error.issues);
    return { path: entryPath, raw: asRecord(item), value: parsed.data };
  });
}

/** Faults every later entry whose `field` repeats an earlier one's. */
export function refuseRepeated(entries: readonly Entry<unknown>[], field: string, faults: Faults): void {
  const seen = new Set<string>();
  for (const entry of entries) {
    const value = asText(entry.raw[field]);
    if (value === undefined) continue;
    if (seen.has(value)) faults.add([...entry.path, field], `${value} is already used`);
    seen.add(value);
  }
}
