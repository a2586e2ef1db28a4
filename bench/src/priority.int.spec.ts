import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import os from 'node:os';
import { goLast } from './priority';

let child: ChildProcess;
afterEach(() => child?.kill('SIGKILL'));

// Elsewhere there is neither a thread's nice value nor a session's.
(process.platform === 'linux' ? test : test.skip)('another session goes last, with each of its threads', async () => {
  child = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 1e6)'], { detached: true });
  await new Promise((resolve) => child.stdout!.once('data', resolve));
  const pid = child.pid!;
  const before = os.getPriority();
  goLast(pid);
  expect(os.getPriority(pid)).toBe(10);
  const group = `/proc/${pid}/autogroup`;
  if (existsSync(group)) expect(readFileSync(group, 'utf8')).toMatch(/ nice 10$/m);
  expect(os.getPriority()).toBe(before);
});
