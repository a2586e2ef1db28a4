import { withFigures } from './with-figures';

const command = 'npm run bench:day';

test('a page without its marks is not written over', () => {
  const page = 'a\n<!-- figures: npm run bench:day -->\nold\n<!-- end of figures -->\nb\n';
  expect(withFigures(withFigures(page, command, 'new'), command, 'new')).toBe(
    'a\n<!-- figures: npm run bench:day -->\n\nnew\n\n<!-- end of figures -->\nb\n',
  );
  expect(() => withFigures('a', command, 'new')).toThrow('marks are gone');
  expect(() => withFigures(page, 'npm run bench:page', 'new')).toThrow('marks are gone');
});
