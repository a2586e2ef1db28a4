import { scenarios } from './scenarios';
import { mostRatio } from './targets';

test('every scenario that something was promised for has its bound, and no other', () => {
  const promised = scenarios.flatMap((scenario) => {
    const most = mostRatio(scenario);
    return most === undefined ? [] : [[scenario.name, most]];
  });
  expect(Object.fromEntries(promised)).toEqual({
    'anthropic → anthropic, 1 KB': 1.6,
    'anthropic → anthropic, 20 KB': 1.8,
    'anthropic → anthropic, 200 KB': 1.5,
    'anthropic → anthropic, 1 KB, 100 separate chunks': 1.2,
    'chat → chat, 1 KB': 1.6,
    'chat → chat, 20 KB': 1.8,
    'chat → chat, 200 KB': 1.5,
    'chat → chat, 1 KB, 100 separate chunks': 1.2,
    'chat → anthropic, 1 KB': 2.5,
    'chat → anthropic, 1 KB, 100 separate chunks': 2,
    'anthropic → chat, 1 KB': 2.5,
    'anthropic → chat, 1 KB, 100 separate chunks': 2,
  });
});
