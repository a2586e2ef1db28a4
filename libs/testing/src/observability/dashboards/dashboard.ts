/** What a dashboard of Grafana is made from: what it shows, and nothing of how Grafana writes that down. */
export interface Dashboard {
  /** Of its file, and of its address: `switchboard-overview`. */
  name: string;
  title: string;
  description: string;
  panels: readonly Panel[];
}

export interface Panel {
  title: string;
  /** For whoever is woken up: what it means, and what is wrong. */
  description: string;
  kind: 'stat' | 'timeseries' | 'table';
  /** Of Grafana: `reqps`, `s`, `percentunit`, `currencyUSD`, `bytes`, `short`. */
  unit: string;
  queries: readonly Query[];
  /** Of 24; absent: 4 of a figure, 12 of the others. */
  width?: number;
  /** From where on the figure is shown in red; below it stays green. */
  red?: number;
  /** Reds what is below instead. */
  redBelow?: number;
  /** Areas above one another. */
  stacked?: boolean;
}

export interface Query {
  expr: string;
  /** `{{label}}` is replaced by Grafana. */
  legend: string;
}

/** Of every query: what is chosen at the top. Outside Kubernetes nothing has a namespace, which `.*` matches too. */
const CHOSEN = 'namespace=~"$namespace",job=~"$job",instance=~"$instance"';

export function of(metric: string, where = ''): string {
  return `${metric}{${CHOSEN}${where === '' ? '' : `,${where}`}}`;
}

export function rate(metric: string, where = ''): string {
  return `rate(${of(metric, where)}[$__rate_interval])`;
}

/** `by`: labels, apart from `le`. */
export function quantile(q: number, histogram: string, { by = '', where = '' } = {}): string {
  const labels = by === '' ? 'le' : `le, ${by}`;
  return `histogram_quantile(${q}, sum by (${labels}) (${rate(`${histogram}_bucket`, where)}))`;
}

export function figure(
  title: string,
  unit: string,
  expr: string,
  more: Partial<Panel> & { description: string },
): Panel {
  return { title, unit, kind: 'stat', queries: [{ expr, legend: title }], ...more };
}

export function graph(
  title: string,
  unit: string,
  queries: Record<string, string>,
  more: Partial<Panel> & { description: string },
): Panel {
  const each = Object.entries(queries).map(([legend, expr]) => ({ legend, expr }));
  return { title, unit, kind: 'timeseries', queries: each, ...more };
}

export function table(
  title: string,
  unit: string,
  expr: string,
  more: Partial<Panel> & { description: string },
): Panel {
  return { title, unit, kind: 'table', queries: [{ expr, legend: '' }], ...more };
}
