const end = '<!-- end of figures -->';

/**
 * A page whose figures are made by a command, and whose text is written by hand, with these figures.
 *
 * @throws Error when the page has no place for figures of that command.
 */
export function withFigures(page: string, command: string, figures: string): string {
  const begin = `<!-- figures: ${command} -->`;
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from === -1 || to < from) throw new Error('The page has no place for the figures: its marks are gone.');
  return `${page.slice(0, from + begin.length)}\n\n${figures}\n\n${page.slice(to)}`;
}
