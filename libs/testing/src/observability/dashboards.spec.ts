import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DASHBOARDS } from './dashboards/all';
import { grafanaJson } from './dashboards/grafana-json';

const FOLDER = path.resolve(__dirname, '../../../../helm/switchboard/dashboards');

const files = new Map(DASHBOARDS.map((dashboard) => [`${dashboard.name}.json`, grafanaJson(dashboard)]));

if (process.env['UPDATE_DASHBOARDS'] === '1') {
  for (const [file, json] of files) writeFileSync(path.join(FOLDER, file), json);
}

test('the files are what their descriptions make (npm run dashboards writes them)', () => {
  expect(readdirSync(FOLDER).sort()).toEqual([...files.keys()].sort());
  for (const [file, json] of files) expect(readFileSync(path.join(FOLDER, file), 'utf8')).toBe(json);
});

describe.each(DASHBOARDS.map((dashboard) => [dashboard.name, dashboard] as const))('%s', (_, dashboard) => {
  test('no panel overlaps another or leaves the grid', () => {
    const { panels } = JSON.parse(grafanaJson(dashboard)) as {
      panels: { gridPos: Record<'x' | 'y' | 'w' | 'h', number> }[];
    };
    const taken = new Set<string>();
    for (const { gridPos } of panels) {
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(x).toBeLessThan(24);
          expect(taken).not.toContain(`${x},${y}`);
          taken.add(`${x},${y}`);
        }
      }
    }
  });

  test('every panel says what it means, and every query goes by what is chosen at the top', () => {
    for (const { title, description, queries } of dashboard.panels) {
      expect([title, description]).toEqual([title, expect.stringMatching(/\.$/)]);
      for (const { expr } of queries) expect(expr).toContain('instance=~"$instance"');
    }
  });
});
