import { noisyPerMinute, noisyPerSecond } from './callers';
import { parseAdmissionOptions } from './options';

describe('the options', () => {
  it('default to batches of one and of 64, at 300 requests a second, and to keeping the figures', () => {
    expect(parseAdmissionOptions([])).toMatchObject({
      name: 'local',
      batchSizes: [1, 64],
      open: { perSecond: 300 },
      keep: true,
    });
  });

  it.each([[['--quick']], [['--batch', '64']], [['--rounds', '2']], [['--noise']]])(
    'do not keep what %j leaves out',
    (args) => {
      expect(parseAdmissionOptions(args).keep).toBe(false);
    },
  );

  it.each([[[]], [['--quick']]])('warm the noisy key up for longer than a full bucket lasts: %j', (args) => {
    expect((parseAdmissionOptions(args).noise.warmUpMs / 1000) * noisyPerSecond).toBeGreaterThan(noisyPerMinute);
  });

  it.each([[['--batch', '0']], [['--batch', 'x']], [['--rate', '1.5']], [['--name', '../x']]])('refuse %j', (args) => {
    expect(() => parseAdmissionOptions(args)).toThrow(TypeError);
  });

  it('refuse what they do not know', () => {
    expect(() => parseAdmissionOptions(['--only', 'cost'])).toThrow("Unknown option '--only'");
  });
});
