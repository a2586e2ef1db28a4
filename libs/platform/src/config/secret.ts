import { resolve } from 'node:path';
import { z } from 'zod';
import { readTextFile } from './read-text-file';

/** A secret by reference (`env`, `file`), or in the clear (`value`), which the loader warns of. */
export interface SecretReference {
  env?: string | undefined;
  file?: string | undefined;
  value?: string | undefined;
}

const shape = {
  env: z.string().min(1).optional(),
  file: z.string().min(1).optional(),
  value: z.string().min(1).optional(),
};

function exactlyOne(fields: readonly string[]): (reference: object) => boolean {
  return (reference) => fields.filter((field) => field in reference).length === 1;
}

export const secretSchema = z
  .strictObject(shape)
  .refine(exactlyOne(['env', 'file', 'value']), 'give exactly one of env, file, value');

export const keySecretSchema = z
  .strictObject({
    ...shape,
    hash: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in lower-case hex (64 digits)')
      .optional(),
  })
  .refine(exactlyOne(['env', 'file', 'value', 'hash']), 'give exactly one of env, file, hash, value');

export interface SecretSources {
  env: NodeJS.ProcessEnv;
  /** Directory that a relative `file` starts from. */
  directory: string;
  /** Is told of every file that is looked at, readable or not. */
  onFile?: ((path: string) => void) | undefined;
}

export type ResolvedSecret = { ok: true; secret: string; warning?: string } | { ok: false; fault: string };

/** Looks the secret up. Faults and warnings name the reference, never the secret. */
export function resolveSecret(reference: SecretReference, sources: SecretSources): ResolvedSecret {
  if (reference.env !== undefined) {
    const secret = sources.env[reference.env]?.trim() ?? '';
    if (secret !== '') return { ok: true, secret };
    return { ok: false, fault: `environment variable ${reference.env} is not set` };
  }
  if (reference.file !== undefined) return readSecretFile(reference.file, sources);
  if (reference.value !== undefined) {
    return { ok: true, secret: reference.value, warning: 'the secret stands in the file: use env or file instead' };
  }
  return { ok: false, fault: 'no secret given' };
}

function readSecretFile(file: string, { directory, onFile }: SecretSources): ResolvedSecret {
  const path = resolve(directory, file);
  onFile?.(path);
  const read = readTextFile(path);
  if (!read.ok) return { ok: false, fault: `file ${file} cannot be read (${read.code})` };
  const secret = read.text.trim();
  return secret === '' ? { ok: false, fault: `file ${file} is empty` } : { ok: true, secret };
}
