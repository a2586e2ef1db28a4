import { summarise, table } from './report';
import { scenarios } from './scenarios';

const scenario = { ...scenarios[0]!, name: 'x' };
const baseline = {
  name: 'bare-proxy',
  isGateway: false,
  isPeer: false,
  cpuMicros: [60, 62, 61],
  perSecond: [9000, 9100, 9050],
};
const gateway = {
  name: 'standalone',
  isGateway: true,
  isPeer: false,
  cpuMicros: [90, 124, 91.5],
  perSecond: [6000, 5000, 6100],
};

describe('a report', () => {
  it('gives medians, and the ratio to the neighbouring round of the baseline', () => {
    const { subjects } = summarise(scenario, [baseline, gateway]);
    expect(subjects[0]).toMatchObject({ cpuMicros: 61, perSecond: 9050, ratio: { median: 1 } });
    expect(subjects[1]).toMatchObject({ cpuMicros: 91.5, perSecond: 6000, ratio: { median: 1.5, low: 1.5, high: 2 } });
  });

  it('says of the gateway alone whether a bound is kept', () => {
    const rows = table([summarise(scenario, [baseline, gateway, { ...gateway, name: 'peer', isGateway: false }])]);
    expect(rows).toMatch(/\| standalone .*\| \*\*1\.50\*\* .*\| ≤ 1\.6 met +\|$/m);
    expect(rows).toMatch(/\| peer .*\| \*\*1\.50\*\* .*\| +\|$/m);
    const dearer = { ...gateway, cpuMicros: [120, 124, 122] };
    expect(table([summarise(scenario, [baseline, dearer])])).toMatch(/\| ≤ 1\.6 \*\*missed\*\* \|$/m);
  });

  it('says how many times dearer a peer is than the gateway', () => {
    const peer = {
      name: 'peer',
      isGateway: false,
      isPeer: true,
      cpuMicros: [1800, 2480, 1830],
      perSecond: [500, 500, 500],
    };
    const rows = table([summarise(scenario, [baseline, gateway, peer])]);
    expect(rows).toMatch(/\| peer .*\| 20\.0 × standalone; ≥ 15 met +\|$/m);
  });

  it('shows a scenario that failed as failed, not as quick', () => {
    const text = table([{ scenario: 'x', subjects: [], failure: 'HTTP/1.1 500' }]);
    expect(text).toMatch(/\| x +\| failed .*HTTP\/1\.1 500/);
  });

  it('refuses to compare with nothing', () => {
    expect(() => summarise(scenario, [])).toThrow(RangeError);
  });
});
