import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { processStart } from '@switchboard/platform';
import { readRunningState, removeState, writeState, type StackState } from './state-file';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'switchboard-state-'));
  file = path.join(folder, 'deep', 'stack.json');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function ownState(): Promise<StackState> {
  return {
    pid: process.pid,
    start: (await processStart(process.pid)) ?? '',
    url: 'http://127.0.0.1:8080',
    adminUrl: 'http://127.0.0.1:9090',
    adminToken: 'secret',
    control: { url: 'http://127.0.0.1:1', token: 'secret' },
    logs: '/logs',
    processes: [
      { name: 'redis', pid: 1, port: 2, url: 'redis://127.0.0.1:2', kind: 'server', replica: 1, status: 'ready' },
    ],
  };
}

test('what was written is read, its owner alone can read it, and no draft stays behind', async () => {
  const state = await ownState();
  writeState(file, state);
  writeState(file, state);
  expect(await readRunningState(file)).toEqual(state);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(path.dirname(file))).toEqual(['stack.json']);
});

test('without a file, and after its removal, no stack runs', async () => {
  expect(await readRunningState(file)).toBeUndefined();
  writeState(file, await ownState());
  removeState(file);
  removeState(file);
  expect(await readRunningState(file)).toBeUndefined();
});

test('the file of a stack that was killed tells of none, even when its pid is somebody else’s now', async () => {
  writeState(file, { ...(await ownState()), start: 'another boot:1' });
  expect(await readRunningState(file)).toBeUndefined();
  // Above every pid_max.
  writeState(file, { ...(await ownState()), pid: 2 ** 30 });
  expect(await readRunningState(file)).toBeUndefined();
});

test.each(['', '{', '{"pid":1}'])('a damaged file (%j) is reported, not taken for none', async (text) => {
  writeState(file, await ownState());
  writeFileSync(file, text);
  await expect(readRunningState(file)).rejects.toThrow(`${file} is damaged`);
});
