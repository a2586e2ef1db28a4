import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import path from 'node:path';
import type { Guarded } from './guarded';

/**
 * A process beside the supervisor that ends everything the supervisor started, should the supervisor vanish (killed, out
 * of memory): its standard input closes then, whatever the cause.
 */
export class Guardian {
  private readonly child: ChildProcess;
  private told = '';

  constructor(logDescriptor: number) {
    this.child = spawn(process.execPath, [path.join(__dirname, 'guardian-main.js')], {
      detached: true,
      stdio: ['pipe', logDescriptor, logDescriptor],
    });
    closeSync(logDescriptor);
    // A guardian that was killed itself guards nothing; the pipe to it then fails, which changes nothing else.
    this.child.stdin?.on('error', () => undefined);
  }

  /** All there is to end, in the place of what was told before. */
  watch(guarded: readonly Guarded[]): void {
    const text = `${JSON.stringify(guarded)}\n`;
    if (text === this.told) return;
    this.told = text;
    this.child.stdin?.write(text);
  }

  /** For a stop that has ended everything by itself. */
  async dismiss(): Promise<void> {
    this.watch([]);
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.stdin?.end();
    if (this.child.exitCode === null && this.child.signalCode === null) await ended;
  }
}
