import { readFileSync } from 'node:fs';

export type ReadText = { ok: true; text: string } | { ok: false; /** Such as `ENOENT`. */ code: string };

/** A file that may well be missing: why it cannot be read is a value. */
export function readTextFile(path: string): ReadText {
  try {
    return { ok: true, text: readFileSync(path, 'utf8') };
  } catch (error) {
    // By shape, not by class: test runners hand out errors of another realm.
    if (typeof error === 'object' && error !== null && 'code' in error) return { ok: false, code: String(error.code) };
    throw error;
  }
}
