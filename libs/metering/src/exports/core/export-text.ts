import { csvHeader, csvLines, type ExportFormat } from '@switchboard/contracts';

/** Rows of one shape as text. */
export interface ExportRows<Row extends object = object> {
  /** Of the CSV, in their order. */
  columns: readonly (keyof Row & string)[];
  rows: readonly Row[];
}

/** What comes before all rows. */
export function exportHead(format: ExportFormat, columns: readonly string[]): string {
  return format === 'csv' ? csvHeader(columns) : '';
}

export function exportLines<Row extends object>(format: ExportFormat, { columns, rows }: ExportRows<Row>): string {
  if (format === 'csv') return csvLines(columns, rows);
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}
