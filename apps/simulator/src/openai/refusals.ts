import { refuse } from '../api-failure';

const NAME = /^[a-zA-Z0-9_-]+$/;
const NAME_LENGTH_MAX = 64;

/** Names of tools, of calls in history and of schemas obey one pattern and one length. */
export function validateName(name: string, path: string): void {
  if (!NAME.test(name)) {
    const text = `Invalid '${path}': string does not match pattern. Expected a string that matches the pattern '${NAME.source}'.`;
    refuse(text, path, 'invalid_value');
  }
  if (name.length > NAME_LENGTH_MAX) {
    const text = `Invalid '${path}': string too long. Expected a string with maximum length ${NAME_LENGTH_MAX}, but got a string with length ${name.length} instead.`;
    refuse(text, path, 'string_above_max_length');
  }
}

export function missing(path: string): never {
  return refuse(`Missing required parameter: '${path}'.`, path, 'missing_required_parameter');
}

export function wrongType(path: string, expected: string, got: unknown): string {
  return `Invalid type for '${path}': expected ${expected}, but got ${typeWord(got)} instead.`;
}

function typeWord(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return (
    { object: 'an object', number: 'a number', string: 'a string', boolean: 'a boolean' }[typeof value as string] ??
    'null'
  );
}
