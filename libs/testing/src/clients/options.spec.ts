import { parseClientsOptions } from './options';
import { TRIALS } from './registry';

it('takes a client by its name, and a family of them by what their names begin with', () => {
  const ids = (args: string[]): string[] => parseClientsOptions(args).trials.map(({ id }) => id);
  expect(ids([])).toEqual(TRIALS.map(({ id }) => id));
  expect(ids(['--only', 'codex'])).toEqual(['codex']);
  expect(ids(['--only', 'langchain,codex'])).toEqual([
    'codex',
    'langchain-chat',
    'langchain-responses',
    'langchain-anthropic',
  ]);
});

it.each([
  ['--only', 'codecs'],
  ['--upstream', 'gemini'],
  ['--scenario', 'juggling'],
])('refuses %s %s, and names what there is', (option, value) => {
  expect(() => parseClientsOptions([option, value])).toThrow(new RegExp(`^${option}: ${value} is none of .*,`));
});
