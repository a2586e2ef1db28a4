import { catalogOf, model, upstream } from '../__fixtures__/catalog';
import { rankUpstreams, sameRouting } from './ranking';

const models = [model('a', [upstream('cloud', 'x'), upstream('gone', 'y'), upstream('gpu', 'z')]), model('b', [])];

test("a model's upstreams keep the catalog's order; those without a provider are left out", () => {
  expect(rankUpstreams(catalogOf(models), 7)).toEqual({
    createdAtMs: 7,
    models: {
      a: [
        { provider: 'cloud', model: 'x' },
        { provider: 'gpu', model: 'z' },
      ],
      b: [],
    },
  });
});

test('the time makes no difference to routing; a model, an upstream, a name or an order does', () => {
  const routing = rankUpstreams(catalogOf(models), 1);
  const differing = (...changed: typeof models) => rankUpstreams(catalogOf(changed), 1);
  expect(sameRouting(routing, rankUpstreams(catalogOf([...models].reverse()), 2))).toBe(true);
  const cloud = upstream('cloud', 'x');
  expect(sameRouting(routing, differing(models[0]!))).toBe(false);
  expect(sameRouting(routing, differing(models[0]!, model('c', [])))).toBe(false);
  expect(sameRouting(routing, differing(model('a', [cloud]), models[1]!))).toBe(false);
  expect(sameRouting(routing, differing(model('a', [cloud, upstream('gpu', 'w')]), models[1]!))).toBe(false);
  expect(sameRouting(routing, differing(model('a', [upstream('gpu', 'z'), cloud]), models[1]!))).toBe(false);
});
