import type { Conversation, Part } from './conversation';

const ACCEPTED = /^[a-zA-Z0-9_-]{1,64}$/;
const FINGERPRINT_LENGTH = 7;
const STEM_LENGTH_MAX = 64 - FINGERPRINT_LENGTH - 1;

export function isPlainToolName(name: string): boolean {
  return ACCEPTED.test(name);
}

/** Client's own name → name the upstream accepts, for the names that had to change. */
export type ShortToolNames = ReadonlyMap<string, string>;

/**
 * Names that providers refuse (more than 64 characters, or others than `a-zA-Z0-9_-`) get a short one: the readable stem and
 * a fingerprint of the whole. The same name gives the same short name on every turn, so that history still matches.
 *
 * @param accepts whether a name can be sent as it is; every dialect can send a plain one
 */
export function shortenToolNames(conversation: Conversation, accepts = isPlainToolName): ShortToolNames {
  const names = collectNames(conversation);
  const taken = new Set<string>();
  for (const name of names) if (accepts(name)) taken.add(name);

  const short = new Map<string, string>();
  for (const name of names) {
    if (accepts(name)) continue;
    let attempt = 0;
    let candidate = shorten(name, attempt);
    while (taken.has(candidate)) candidate = shorten(name, ++attempt);
    taken.add(candidate);
    short.set(name, candidate);
  }
  return short;
}

/** Upstream's name → the client's own. */
export function invert(short: ShortToolNames): ReadonlyMap<string, string> {
  return new Map([...short].map(([own, sent]) => [sent, own]));
}

function collectNames({ tools, toolChoice, messages }: Conversation): Set<string> {
  const names = new Set<string>();
  for (const tool of tools) if (tool.type !== 'server') names.add(tool.name);
  if (toolChoice?.type === 'tool') names.add(toolChoice.name);
  const visit = (part: Part): void => {
    if (part.type === 'tool-call') names.add(part.name);
    else if (part.type === 'tool-reference') names.add(part.toolName);
    else if (part.type === 'tool-result') part.parts.forEach(visit);
  };
  for (const { parts } of messages) parts.forEach(visit);
  return names;
}

function shorten(name: string, attempt: number): string {
  const stem = name.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, STEM_LENGTH_MAX);
  return `${stem === '' ? 'tool' : stem}_${fingerprint(name, attempt)}`;
}

/** 32-bit FNV-1a over UTF-16 units, in base 36: short names need no secrecy, only spread. */
function fingerprint(text: string, seed: number): string {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0).toString(36).padStart(FINGERPRINT_LENGTH, '0');
}
