import { attribute } from './attribute';
import type { CpuProfile } from './cpu-profile';

const frame = (functionName: string, url = '') => ({ functionName, url, lineNumber: 0 });

/** root → (idle), (gc), http → handler → {indexOf, sniff → indexOf}; and somebody unknown. */
const profile: CpuProfile = {
  startTime: 0,
  endTime: 1000,
  nodes: [
    { id: 1, callFrame: frame('(root)'), children: [2, 3, 4, 9] },
    { id: 2, callFrame: frame('(idle)') },
    { id: 3, callFrame: frame('(garbage collector)') },
    { id: 4, callFrame: frame('parserOnIncoming', 'node:_http_server'), children: [5] },
    { id: 5, callFrame: frame('handle', 'file:///x/libs/edge-api/dist/public-handler.js'), children: [6, 7] },
    { id: 6, callFrame: frame('indexOf') },
    { id: 7, callFrame: frame('sniff', 'file:///x/libs/protocol/dist/sniff.js'), children: [8] },
    { id: 8, callFrame: frame('indexOf') },
    { id: 9, callFrame: frame('leftPad', 'file:///x/node_modules/left-pad/index.js') },
  ],
  samples: [2, 3, 4, 6, 8, 8, 7, 9],
  timeDeltas: [0, 100, 50, 50, 100, 200, 200, 100],
};

test('a native function works for its caller, and what nobody knows is other', () => {
  const { stages, idleMicros } = attribute(profile);
  expect(idleMicros).toBe(100);
  expect(Object.fromEntries(Object.entries(stages).filter(([, micros]) => micros > 0))).toEqual({
    'garbage collection': 50,
    'node:http, both ways': 50,
    'handler, the rest': 100,
    'body: sniff and checks': 500,
    other: 200,
  });
});

test('all of the time is somewhere', () => {
  const { stages, idleMicros, functions } = attribute(profile);
  expect(idleMicros + Object.values(stages).reduce((sum, micros) => sum + micros, 0)).toBe(1000);
  expect(functions.reduce((sum, { micros }) => sum + micros, 0)).toBe(900);
  expect(functions[0]).toEqual({ at: 'indexOf', stage: 'body: sniff and checks', micros: 400 });
});
