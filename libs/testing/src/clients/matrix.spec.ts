import { lossesOf, matrixOf } from './matrix';

const verdict = (title: string, upstream: 'anthropic' | 'chat', failure?: string, lost: string[] = []) => ({
  ...{ trial: { id: title.toLowerCase(), title }, scenario: { name: 'text' } },
  ...{ upstream, failure, lost: new Set(lost) },
});

const results = [
  verdict('One', 'anthropic', undefined, ['cache_control']),
  verdict('One', 'chat', 'took half for the whole'),
  verdict('Two', 'chat', 'took half for the whole'),
];

it('shows each client and scenario by upstream, and says below what failed, once', () => {
  expect(matrixOf(results)).toBe(
    [
      '| client | scenario | on anthropic | on chat |',
      '| ------ | -------- | ------------ | ------- |',
      '| One    | text     | ok           | ✗ 1     |',
      '| Two    | text     | –            | ✗ 1     |',
      '',
      '1 of 3 ok.',
      '',
      '1. took half for the whole',
    ].join('\n'),
  );
});

it('shows what was lost where something was', () => {
  expect(lossesOf(results)).toContain('| One    | anthropic | `cache_control` |');
  expect(lossesOf(results)).not.toContain('Two');
  expect(lossesOf([])).toBe('Nothing was lost.');
});
