import { arrayLiteral } from './array-literal';

describe('an array literal for Postgres', () => {
  it('holds numbers, booleans and nulls as they are', () => {
    expect(arrayLiteral([1, -2, 9_007_199_254_740_991, true, null])).toBe('{1,-2,9007199254740991,true,NULL}');
    expect(arrayLiteral([])).toBe('{}');
  });

  it('quotes every text, so that none is taken for syntax or null', () => {
    expect(arrayLiteral(['a', '', 'NULL', 'x,y', '{}', ' '])).toBe('{"a","","NULL","x,y","{}"," "}');
  });

  it('escapes quotes and backslashes', () => {
    expect(arrayLiteral(['say "hi"', 'C:\\dir', '[{"feature":"top_k"}]'])).toBe(
      '{"say \\"hi\\"","C:\\\\dir","[{\\"feature\\":\\"top_k\\"}]"}',
    );
  });
});
