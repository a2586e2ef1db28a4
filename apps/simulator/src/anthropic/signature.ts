import { createHash } from 'node:crypto';

const PREFIX = 'Sim1';

/** The signature of a thinking block, or the whole data of a redacted one: made from the text as it is shown. */
export function signThinking(shown: string): string {
  return PREFIX + createHash('sha256').update(`thinking/${shown}`).digest('base64');
}

export function sealThinking(text: string): string {
  return PREFIX + createHash('sha256').update('redacted').digest('base64') + Buffer.from(text).toString('base64');
}

export function isSealed(data: string): boolean {
  const seal = sealThinking('');
  return data.startsWith(seal) && sealThinking(Buffer.from(data.slice(seal.length), 'base64').toString()) === data;
}
