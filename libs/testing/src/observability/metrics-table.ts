/** One metric of ours as a service exposes it. */
export interface ExposedMetric {
  name: string;
  type: string;
  help: string;
  /** Seen, without those of buckets. */
  labels: ReadonlySet<string>;
}

/** One row of the table in docs/observability.md. */
export interface TableRow extends Omit<ExposedMetric, 'labels'> {
  labels: readonly string[];
  services: readonly string[];
}

/** Prefixes of what we name; the rest is prom-client's. */
const OURS = /^(switchboard|gen_ai)_/;
const MARKS = /(<!-- metrics: begin -->\n)[^]*(\n<!-- metrics: end -->)/;
const HEAD = ['| metric | type | labels | services | says |', '| --- | --- | --- | --- | --- |'];

/** Of the Prometheus text format. */
export function exposedMetrics(text: string): ExposedMetric[] {
  const helps = new Map([...text.matchAll(/^# HELP (\S+) (.*)$/gm)].map(([, name = '', help = '']) => [name, help]));
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].filter(([, name = '']) => OURS.test(name));
  return types.map(([, name = '', type = '']) => ({
    name,
    type,
    help: helps.get(name) ?? '',
    labels: labelsOf(name, text),
  }));
}

function labelsOf(name: string, text: string): ReadonlySet<string> {
  const series = text.matchAll(new RegExp(`^${name}(?:_bucket|_sum|_count)?\\{(.*)\\} `, 'gm'));
  const names = [...series].flatMap(([, labels = '']) =>
    [...labels.matchAll(/(\w+)="/g)].map(([, label = '']) => label),
  );
  return new Set(names.filter((label) => label !== 'le'));
}

/** One row for each metric, however many services expose it. */
export function rowsOf(exposed: ReadonlyMap<string, readonly ExposedMetric[]>): TableRow[] {
  const rows = new Map<string, TableRow>();
  for (const [service, metrics] of exposed) {
    for (const { labels, ...metric } of metrics) {
      const row = rows.get(metric.name) ?? { ...metric, labels: [], services: [] };
      rows.set(metric.name, {
        ...row,
        labels: [...new Set([...row.labels, ...labels])].sort(),
        services: [...row.services, service].sort(),
      });
    }
  }
  return [...rows.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function markdownTable(rows: readonly TableRow[]): string {
  const line = ({ name, type, labels, services, help }: TableRow): string =>
    `| \`${name}\` | ${type} | ${code(labels)} | ${services.join(', ')} | ${help.replaceAll('|', '\\|').replaceAll('<', '&lt;')} |`;
  return [...HEAD, ...rows.map(line)].join('\n');
}

/** A page with the table in its place. */
export function withTable(page: string, rows: readonly TableRow[]): string {
  return page.replace(MARKS, (_, begin: string, end: string) => `${begin}\n${markdownTable(rows)}\n${end}`);
}

/** Of a page that has the table in its place, as prettier leaves it, cells padded or not. */
export function readTable(page: string): TableRow[] {
  const lines = (MARKS.exec(page)?.[0] ?? '').split('\n').filter((line) => line.startsWith('| `'));
  return lines.map((line) => {
    const [, name = '', type = '', labels = '', services = '', help = ''] = line.split(/ *(?<!\\)\| */);
    return {
      ...{ name: name.replaceAll('`', ''), type, help: help.replaceAll('\\|', '|').replaceAll('&lt;', '<') },
      labels: listed(labels.replaceAll('`', '')),
      services: listed(services),
    };
  });
}

function code(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ');
}

function listed(text: string): string[] {
  return text === '' ? [] : text.split(', ');
}
