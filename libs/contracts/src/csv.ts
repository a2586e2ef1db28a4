type Cell = string | number | boolean | null | object;

/** RFC 4180, the columns in the order given, CRLF after every line. An empty cell is null. */
export function csvOf<Row extends object>(columns: readonly (keyof Row & string)[], rows: readonly Row[]): string {
  return csvHeader(columns) + csvLines(columns, rows);
}

export function csvHeader(columns: readonly string[]): string {
  return `${columns.join(',')}\r\n`;
}

/** What follows the header. */
export function csvLines<Row extends object>(columns: readonly (keyof Row & string)[], rows: readonly Row[]): string {
  return rows.map((row) => `${columns.map((name) => cellOf(row[name] as Cell)).join(',')}\r\n`).join('');
}

function cellOf(value: Cell): string {
  if (value === null) return '';
  if (typeof value !== 'string') return quoted(typeof value === 'object' ? JSON.stringify(value) : String(value));
  // Clients choose some of these texts, and a spreadsheet would run one that looks like a formula.
  return quoted(/^[=+\-@\t\r]/.test(value) ? `'${value}` : value);
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
