import { generatedBytes } from './generated-bytes';

describe('what a model wrote', () => {
  it('is all its text and its calls, in UTF-8', () => {
    const parts = [
      { type: 'thinking' as const, text: 'hm' },
      { type: 'text' as const, text: 'né' },
      { type: 'tool-call' as const, id: 'call_1', name: 'f', arguments: '{"a":1}' },
    ];
    expect(generatedBytes(parts)).toBe(2 + 3 + 1 + 7);
  });
});
