/** Whether a name matches any of the globs; `*` matches any run of characters, slashes included. */
export function globMatcher(globs: readonly string[]): (name: string) => boolean {
  if (globs.includes('*')) return () => true;
  if (globs.length === 0) return () => false;
  const escaped = globs.map((glob) => glob.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*'));
  const pattern = new RegExp(`^(?:${escaped.join('|')})$`);
  return (name) => pattern.test(name);
}
