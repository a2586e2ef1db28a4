import type { Dashboard, Panel, Query } from './dashboard';

/** Of Grafana 11; later ones read it and bring it up to date themselves. */
const SCHEMA_VERSION = 39;
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };
const COLUMNS = 24;
const HEIGHTS = { stat: 4, timeseries: 8, table: 8 } as const;

/** The file that Grafana provisions. */
export function grafanaJson(dashboard: Dashboard): string {
  const { name, title, description, panels } = dashboard;
  const model = {
    uid: `switchboard-${name}`,
    title: `Switchboard / ${title}`,
    description,
    tags: ['switchboard'],
    schemaVersion: SCHEMA_VERSION,
    version: 1,
    editable: true,
    graphTooltip: 1,
    time: { from: 'now-3h', to: 'now' },
    refresh: '30s',
    links: [
      {
        title: 'Switchboard',
        type: 'dashboards',
        tags: ['switchboard'],
        asDropdown: true,
        keepTime: true,
        includeVars: true,
      },
    ],
    templating: { list: variables() },
    annotations: { list: [] },
    panels: placed(panels),
  };
  return `${JSON.stringify(model, undefined, 2)}\n`;
}

function variables(): object[] {
  const choice = (name: string, label: string, of: string) => ({
    ...{ name, label, type: 'query', datasource: DATASOURCE, refresh: 2, sort: 1 },
    query: { query: `label_values(${of}, ${name})`, refId: name },
    // Not the list of all values: what lacks the label is meant too.
    ...{ multi: true, includeAll: true, allValue: '.*', current: { selected: true, text: ['All'], value: ['$__all'] } },
  });
  return [
    { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus', refresh: 1 },
    choice('namespace', 'Namespace', 'switchboard_build_info'),
    choice('job', 'Job', 'switchboard_build_info{namespace=~"$namespace"}'),
    choice('instance', 'Instance', 'switchboard_build_info{namespace=~"$namespace",job=~"$job"}'),
  ];
}

/** Row by row, from the left. */
function placed(panels: readonly Panel[]): object[] {
  let [x, y, rowHeight] = [0, 0, 0];
  return panels.map((panel, index) => {
    const [w, h] = [panel.width ?? (panel.kind === 'stat' ? 4 : 12), HEIGHTS[panel.kind]];
    if (x + w > COLUMNS) [x, y, rowHeight] = [0, y + rowHeight, 0];
    const gridPos = { x, y, w, h };
    x += w;
    rowHeight = Math.max(rowHeight, h);
    return { id: index + 1, gridPos, ...panelJson(panel) };
  });
}

function panelJson(panel: Panel): object {
  const { title, description, kind, unit } = panel;
  return {
    ...{ type: kind, title, description, datasource: DATASOURCE },
    fieldConfig: { defaults: { unit, ...thresholds(panel), ...custom(panel) }, overrides: [] },
    options: OPTIONS[kind],
    targets: panel.queries.map((query, index) => target(query, kind, index)),
    ...(kind === 'table' && { transformations: [{ id: 'organize', options: { excludeByName: { Time: true } } }] }),
  };
}

function thresholds({ red, redBelow }: Panel): object {
  const steps =
    redBelow !== undefined
      ? [
          { color: 'red', value: null },
          { color: 'green', value: redBelow },
        ]
      : [{ color: 'green', value: null }, ...(red === undefined ? [] : [{ color: 'red', value: red }])];
  return { thresholds: { mode: 'absolute', steps } };
}

function custom({ kind, stacked }: Panel): object {
  if (kind !== 'timeseries') return {};
  const stacking = { mode: stacked === true ? 'normal' : 'none', group: 'A' };
  return { min: 0, custom: { fillOpacity: stacked === true ? 30 : 5, lineWidth: 1, showPoints: 'never', stacking } };
}

const OPTIONS = {
  stat: {
    colorMode: 'background',
    graphMode: 'area',
    reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
  },
  timeseries: {
    legend: { displayMode: 'table', placement: 'bottom', calcs: ['lastNotNull', 'max'] },
    tooltip: { mode: 'multi', sort: 'desc' },
  },
  table: { showHeader: true, sortBy: [{ displayName: 'Value', desc: true }] },
} as const;

function target({ expr, legend }: Query, kind: Panel['kind'], index: number): object {
  const refId = String.fromCharCode('A'.charCodeAt(0) + index);
  const shape = kind === 'table' ? { format: 'table', instant: true } : { legendFormat: legend, range: true };
  return { refId, datasource: DATASOURCE, expr, ...shape };
}
