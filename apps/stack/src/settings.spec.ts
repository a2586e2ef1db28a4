import { readSettings } from './settings';

test('folders and files start from the working directory', () => {
  expect(readSettings({}, '/somewhere')).toMatchObject({
    ok: true,
    settings: {
      PORT: 8080,
      ADMIN_PORT: 9090,
      DATA_DIR: '/somewhere/.switchboard/stack',
      STACK_STATE: '/somewhere/.switchboard/stack.json',
      DRAIN_MS: 3_600_000,
    },
  });
});

test('all faults are told at once, each naming its variable', () => {
  const read = readSettings({ PORT: 'eighty', ADMIN_PORT: '70000', LOG_LEVEL: 'loud' }, '/');
  expect(read.ok ? [] : read.faults.map((fault) => fault.split(':')[0])).toEqual(['PORT', 'ADMIN_PORT', 'LOG_LEVEL']);
});
