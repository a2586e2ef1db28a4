import { readArguments } from './arguments';

function commandOf(...args: string[]): unknown {
  const read = readArguments(args);
  return read.ok ? read.command : read.faults;
}

test('without arguments two edges run, and one of every other service', () => {
  expect(commandOf()).toEqual({
    kind: 'run',
    replicas: { 'edge-api': 2, router: 1, 'rate-limit': 1, metering: 1, 'admin-api': 1 },
  });
});

test('--replicas sets any service, as often as it is given', () => {
  expect(commandOf('--replicas', 'edge-api=3', '--replicas=metering=2')).toMatchObject({
    replicas: { 'edge-api': 3, metering: 2, router: 1 },
  });
});

test('all faults are told at once, each naming what it is about', () => {
  expect(commandOf('--replicas', 'edge=3', '--replicas', 'router=none', '--replicas', 'router=0', '--verbose')).toEqual(
    [
      '--verbose: unknown option',
      expect.stringContaining('--replicas edge=3: unknown service, must be one of router'),
      expect.stringContaining('--replicas router=none: must be service=count'),
      expect.stringContaining('--replicas router=0: must be service=count'),
    ],
  );
});

test.each([[['--replicas']], [['--replicas', '']], [['--replicas', 'edge-api=17']], [['--replicas', 'edge-api=-1']]])(
  '%j is a fault, not a default',
  (args) => {
    expect(readArguments(args).ok).toBe(false);
  },
);

test.each([
  [['status'], { kind: 'status' }],
  [['stop', 'redis'], { kind: 'control', action: 'stop', name: 'redis' }],
  [['start', 'postgres'], { kind: 'control', action: 'start', name: 'postgres' }],
  [['restart'], { kind: 'control', action: 'restart' }],
  [['restart', 'edge-api-2'], { kind: 'control', action: 'restart', name: 'edge-api-2' }],
  [['kill', 'nats', '--signal', 'SIGSTOP'], { kind: 'control', action: 'kill', name: 'nats', signal: 'SIGSTOP' }],
])('%j is for a running stack', (args, command) => {
  expect(commandOf(...args)).toEqual(command);
});

test.each([
  [['stop'], 'stop: say what'],
  [['dance', 'redis'], 'dance: unknown command'],
  [['stop', 'redis', 'nats'], 'nats: one name at a time'],
  [['kill', 'redis', '--signal', 'SIGNOPE'], '--signal SIGNOPE: unknown signal'],
  [['stop', 'redis', '--signal', 'SIGKILL'], '--signal: only with kill'],
  [['restart', '--replicas', 'edge-api=3'], '--replicas: only when the stack is started'],
])('%j is a fault', (args, fault) => {
  expect(commandOf(...args)).toEqual([expect.stringContaining(fault)]);
});
