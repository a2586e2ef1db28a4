import type { Catalog, Model, RoutingSnapshotV1 } from '@switchboard/contracts';
import { candidate } from './__fixtures__/candidate';
import { routeCatalog, SNAPSHOT_LAG_MS } from './route-catalog';

const NOW_MS = Date.UTC(2026, 10, 20);
const upstream = candidate().upstream;
const at = (provider: string) => ({ provider, model: upstream.model });

function catalogOf(...providers: string[]): Catalog {
  const model: Model = {
    ...candidate().model,
    id: 'm',
    upstreams: providers.map((id) => ({ ...upstream, provider: id })),
  };
  return {
    providers: new Map(providers.map((id) => [id, { ...candidate().provider, id }])),
    models: new Map([['m', model]]),
    auto: { order: ['tier'], models: ['*'] },
  };
}

const snapshotOf = (...providers: string[]): RoutingSnapshotV1 => ({
  createdAtMs: NOW_MS,
  models: { m: providers.map(at) },
});

function order(catalog: Catalog, snapshot: RoutingSnapshotV1 | undefined, firstSeenMs = 0): string[] {
  const routed = routeCatalog(catalog, snapshot, () => firstSeenMs);
  return routed.models.get('m')!.upstreams.map(({ provider }) => provider);
}

describe('a routed catalog', () => {
  it('has the snapshot’s order, without what the snapshot leaves out', () => {
    expect(order(catalogOf('a', 'b', 'c'), snapshotOf('c', 'a'))).toEqual(['c', 'a']);
  });

  it('has the catalog’s order for models the snapshot does not know, and without any snapshot', () => {
    expect(order(catalogOf('a', 'b'), { createdAtMs: NOW_MS, models: {} })).toEqual(['a', 'b']);
    expect(order(catalogOf('a', 'b'), undefined)).toEqual(['a', 'b']);
    const named = catalogOf('a', 'b');
    const inherited = { ...named.models.get('m')!, id: 'constructor' };
    const catalog = { ...named, models: new Map([['m', inherited]]) };
    expect(order(catalog, { createdAtMs: NOW_MS, models: {} })).toEqual(['a', 'b']);
  });

  it('brings back nothing that the catalog no longer has', () => {
    expect(order(catalogOf('a'), snapshotOf('gone', 'a'))).toEqual(['a']);
  });

  it('tries what is newer than the snapshot last, in the catalog’s order', () => {
    expect(order(catalogOf('new', 'b', 'newer', 'a'), snapshotOf('a', 'b'), NOW_MS + 1)).toEqual([
      'a',
      'b',
      'new',
      'newer',
    ]);
  });

  it('takes what a snapshot soon after leaves out for what its router has not seen yet', () => {
    expect(order(catalogOf('a', 'b'), snapshotOf('a'), NOW_MS - SNAPSHOT_LAG_MS + 1)).toEqual(['a', 'b']);
    expect(order(catalogOf('a', 'b'), snapshotOf('a'), NOW_MS - SNAPSHOT_LAG_MS)).toEqual(['a']);
  });

  it('has the catalog’s order where the snapshot ranks only what the catalog does not have yet, or no longer', () => {
    expect(order(catalogOf('before', 'also'), snapshotOf('after'))).toEqual(['before', 'also']);
    expect(order(catalogOf('a'), snapshotOf())).toEqual([]);
  });

  it('tells two models at one provider apart, and carries the catalog’s own figures', () => {
    const catalog = catalogOf('a');
    const [first] = catalog.models.get('m')!.upstreams;
    const other = { ...first!, model: 'other-model', weight: 7 };
    catalog.models.get('m')!.upstreams.push(other);
    const ranked = { createdAtMs: NOW_MS, models: { m: [{ provider: 'a', model: 'other-model' }, at('a')] } };
    expect(routeCatalog(catalog, ranked, () => 0).models.get('m')!.upstreams).toEqual([other, first]);
  });
});
