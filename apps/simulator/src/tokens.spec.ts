import { cutToBytes, cutToPieces, inputTokens } from './tokens';

describe('tokens', () => {
  it('counts four bytes as a token, rounded up, and an image as 258 whatever its size', () => {
    expect(inputTokens('a'.repeat(9))).toBe(3);
    expect(inputTokens(['é'.repeat(4)])).toBe(2);
    expect(inputTokens({ type: 'image', source: { data: 'A'.repeat(100_000) } }, 'abcd')).toBe(259);
  });

  it('cuts at a byte budget without breaking a character', () => {
    expect(cutToBytes('aé€', 2)).toBe('a');
    expect(cutToBytes('aé€', 3)).toBe('aé');
    expect(cutToBytes('aé€', 6)).toBe('aé€');
  });

  it('cuts into exactly the number of pieces asked for, and loses nothing', () => {
    const text = 'x'.repeat(257);
    const pieces = cutToPieces(text, { pieces: 100 });
    expect(pieces).toHaveLength(100);
    expect(pieces.join('')).toBe(text);
  });

  it('keeps surrogate pairs whole', () => {
    const text = '😀'.repeat(5);
    const pieces = cutToPieces(text, { size: 1 });
    expect(pieces.join('')).toBe(text);
    expect(pieces.every((piece) => piece.length === 2)).toBe(true);
  });
});
