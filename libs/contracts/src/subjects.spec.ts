import { bucketKey, BUCKETS, decodeJson, encodeJson, parseBucketKey, STREAMS, SUBJECTS } from './subjects';

test.each(['anthropic/claude-sonnet-4.6', '~x', 'a:b', 'größe 😀', 'a.b'])(
  'the id %j survives being a bucket key',
  (id) => {
    expect(parseBucketKey(bucketKey.model(id))).toEqual({ kind: 'model', id });
    for (const made of [bucketKey.model(id), bucketKey.provider(id), bucketKey.tenant(id)])
      expect(made).toMatch(/^[-/_=.a-zA-Z0-9]+$/);
  },
);

test('a key of another shape is told from one of ours', () => {
  expect(parseBucketKey('settings')).toBeUndefined();
});

test('subjects, streams and buckets are named once each, with their version', () => {
  const names = [
    ...Object.values(SUBJECTS),
    ...Object.values(STREAMS).map(({ subject }) => subject),
    ...Object.values(BUCKETS).map(({ name }) => name),
  ];
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^switchboard[._].*[._]v\d+/);
});

test('a payload that is a part of a larger buffer is read alone', () => {
  const whole = Buffer.concat([Buffer.from('xx'), encodeJson({ text: 'größe 😀' }), Buffer.from('yy')]);
  expect(decodeJson(whole.subarray(2, whole.length - 2))).toEqual({ text: 'größe 😀' });
  expect(() => decodeJson(whole)).toThrow(SyntaxError);
});
