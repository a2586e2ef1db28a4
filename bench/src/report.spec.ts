import { summarise, table } from './report';

const baseline = { name: 'bare-proxy', cpuMicros: [60, 62, 61], perSecond: [9000, 9100, 9050] };
const gateway = { name: 'standalone', cpuMicros: [90, 124, 91.5], perSecond: [6000, 5000, 6100] };

describe('a report', () => {
  it('gives medians, and the ratio to the neighbouring round of the baseline', () => {
    const { subjects } = summarise('x', [baseline, gateway]);
    expect(subjects[0]).toMatchObject({ cpuMicros: 61, perSecond: 9050, ratio: { median: 1 } });
    expect(subjects[1]).toMatchObject({ cpuMicros: 91.5, perSecond: 6000, ratio: { median: 1.5, low: 1.5, high: 2 } });
  });

  it('shows a scenario that failed as failed, not as quick', () => {
    const text = table([{ scenario: 'x', subjects: [], failure: 'HTTP/1.1 500' }]);
    expect(text).toMatch(/\| x +\| failed .*HTTP\/1\.1 500/);
  });

  it('refuses to compare with nothing', () => {
    expect(() => summarise('x', [])).toThrow(RangeError);
  });
});
