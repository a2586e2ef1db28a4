import { randomBytes, randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readTextFile } from '../config/read-text-file';

/** 256-bit secrets that replace one another: the first is used for what is new, the others for what is still around. */
export type SecretRing = readonly [SecretRingEntry, ...SecretRingEntry[]];

export interface SecretRingEntry {
  /** `[A-Za-z0-9_-]{1,32}`, unique in its ring; public. */
  id: string;
  /** 32 bytes. */
  key: Buffer;
}

/** `KEK` seals provider credentials; `KEY_PEPPER` keys the hashes of API keys. */
export type SecretRingName = 'KEK' | 'KEY_PEPPER';

export type ReadSecretRing = { ok: true; ring: SecretRing } | { ok: false; fault: string };

const ID = /^[A-Za-z0-9_-]{1,32}$/;
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;
const KEY_BYTES = 32;

/**
 * Reads `<name>` (`id:base64[,id:base64…]`, 32 bytes each), or the file that `<name>_FILE` names, which holds the same,
 * by commas or lines. A fault says what to mend and never shows a value.
 */
export function readSecretRing(name: SecretRingName, env: NodeJS.ProcessEnv): ReadSecretRing {
  const text = env[name]?.trim() ?? '';
  const file = env[`${name}_FILE`]?.trim() ?? '';
  if (text !== '' && file !== '') return faulty(`${name}: give it or ${name}_FILE, not both`);
  if (text !== '') return parseRing(name, text);
  if (file === '') return faulty(`${name}: required: id:base64 of 32 bytes, or a file of that in ${name}_FILE`);
  return readRingFile(`${name}_FILE`, file);
}

/**
 * The ring that `file` keeps, made of one fresh secret and readable by its owner alone where there is none. Of several
 * processes that do so at once, all get the same.
 *
 * @throws when the file is there and faulty: a fresh ring in its place would lose what was sealed under it.
 */
export function provideSecretRing(file: string): SecretRing {
  if (readTextFile(file).ok === false) createRingFile(file);
  const read = readRingFile(path.basename(file), file);
  if (!read.ok) throw new Error(read.fault);
  return read.ring;
}

function readRingFile(name: string, file: string): ReadSecretRing {
  const read = readTextFile(file);
  return read.ok ? parseRing(name, read.text) : faulty(`${name}: ${file} cannot be read (${read.code})`);
}

function parseRing(name: string, text: string): ReadSecretRing {
  const ring: SecretRingEntry[] = [];
  for (const [index, entryText] of text
    .split(/[\s,]+/)
    .filter(Boolean)
    .entries()) {
    const entry = parseEntry(entryText);
    if (typeof entry === 'string') return faulty(`${name}: entry ${index + 1} ${entry}`);
    if (ring.some(({ id }) => id === entry.id)) return faulty(`${name}: the id ${entry.id} is there twice`);
    ring.push(entry);
  }
  const [current, ...older] = ring;
  return current === undefined ? faulty(`${name}: is empty`) : { ok: true, ring: [current, ...older] };
}

/** The entry, or what is wrong with it: of the text only an id that is one, for any other part may be the secret. */
function parseEntry(text: string): SecretRingEntry | string {
  const colon = text.indexOf(':');
  const id = text.slice(0, Math.max(colon, 0));
  if (!ID.test(id)) return 'must be id:base64, the id of 1 to 32 letters, digits, - and _';
  const encoded = text.slice(colon + 1);
  if (!BASE64.test(encoded)) return `(${id}) is not base64 after its id`;
  const key = Buffer.from(encoded, 'base64');
  if (key.length !== KEY_BYTES)
    return `(${id}) holds ${key.length} bytes, must be ${KEY_BYTES} (openssl rand -base64 32)`;
  return { id, key };
}

/** Written whole under another name first and linked: whoever sees the file sees all of it, and the first maker wins. */
function createRingFile(file: string): void {
  const draft = `${file}.${randomUUID()}`;
  mkdirSync(path.dirname(file), { recursive: true });
  const entry = `${randomBytes(4).toString('hex')}:${randomBytes(KEY_BYTES).toString('base64')}\n`;
  writeFileSync(draft, entry, { mode: 0o600, flush: true });
  try {
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function faulty(fault: string): ReadSecretRing {
  return { ok: false, fault };
}
