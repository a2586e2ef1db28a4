import { rechunk, withFaults } from './faults';
import type { Frame } from './frames';
import { readScenario } from './scenario';

const frame = (text: string, chunk: boolean): Frame => ({ bytes: Buffer.from(text), tokens: chunk ? 2 : 0, chunk });
const FRAMES = [frame('open\n\n', false), frame('one\n\n', true), frame('two\n\n', true), frame('close\n\n', false)];
const texts = (frames: Frame[]): string[] => frames.map((one) => one.bytes.toString());
const faulty = (setting: string) => withFaults(FRAMES, readScenario(`m;${setting}`, {}), () => 'error\n\n');

describe('withFaults', () => {
  it.each([
    ['truncate=1', ['open\n\n', 'one\n\n'], 'clean'],
    ['truncate=0,reset', ['open\n\n'], 'reset'],
    ['truncate=9', ['open\n\n', 'one\n\n', 'two\n\n', 'close\n\n'], 'clean'],
    ['stall=2', ['open\n\n', 'one\n\n', 'two\n\n'], 'stall'],
    ['mid_stream_error=1', ['open\n\n', 'one\n\n', 'error\n\n'], 'clean'],
    ['half_event=1', ['open\n\n', 'one\n\n', 'two'], 'clean'],
    ['malformed=2', ['open\n\n', 'one\n\n', 'two\n\n', 'close\n\n'], 'complete'],
  ])('%s puts this on the wire', (setting, expected, ending) => {
    const script = faulty(setting);
    expect(texts(script.writes)).toEqual(expected);
    expect(script.ending).toBe(ending);
  });

  it('bills nothing for a frame that arrives cut or garbled', () => {
    expect(faulty('half_event=1').writes.map((write) => write.tokens)).toEqual([0, 2, 0]);
    expect(faulty('malformed=1').writes.map((write) => write.tokens)).toEqual([0, 0, 2, 0]);
  });
});

describe('rechunk', () => {
  it.each(['split=1', 'split=4', 'split=7', 'split=100', 'coalesce'])(
    '%s keeps every byte and every token',
    (setting) => {
      const writes = rechunk(FRAMES, readScenario(`m;${setting}`, {}));
      expect(texts(writes).join('')).toBe(texts(FRAMES).join(''));
      expect(writes.reduce((sum, write) => sum + write.tokens, 0)).toBe(4);
    },
  );

  it('counts a frame as sent only with its last byte', () => {
    const tokens = rechunk(FRAMES, readScenario('m;split=4', {})).map((write) => write.tokens);
    expect(tokens).toEqual([0, 0, 2, 2, 0, 0]);
  });
});
