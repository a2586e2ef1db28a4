import { refuse } from '../api-failure';

/** `Supported values are: 'a', 'b', and 'c'.` Always throws. */
export function refuseValue(value: string, supported: readonly string[], path: string): never {
  const quoted = supported.map((one) => `'${one}'`);
  const last = quoted.pop() ?? '';
  const list = quoted.length > 1 ? `${quoted.join(', ')}, and ${last}` : [...quoted, last].join(' and ');
  return refuse(`Invalid value: '${value}'. Supported values are: ${list}.`, path, 'invalid_value');
}
