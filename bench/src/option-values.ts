/** What option values may be; each throws a TypeError that names the option. */

export function positive(option: string, text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new TypeError(`${option} must be a positive whole number`);
  return Number(text);
}

/** Part of the name of a file of results. */
export function runName(text: string): string {
  if (!/^[\w.-]+$/.test(text)) throw new TypeError('--name becomes part of a file name: letters, digits, . _ -');
  return text;
}
