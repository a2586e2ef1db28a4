import { closeSync, existsSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import path from 'node:path';

const POLL_MS = 250;
const READ_AT_ONCE = 256 * 1024;

/** The log files of the stack's processes, one each; what is a warning or worse is shown on standard error too. */
export class ProcessLogs {
  /** Until it is false, that something is not ready goes without saying. */
  starting = true;
  private readonly tails = new Map<string, LogTail>();

  /** A log of an earlier run is kept once, as `<name>.previous.log`. */
  constructor(
    readonly folder: string,
    private readonly show: (line: string) => void,
  ) {
    mkdirSync(folder, { recursive: true });
  }

  fileOf(label: string): string {
    return path.join(this.folder, `${label}.log`);
  }

  /**
   * A descriptor to append to, for a process to write to by itself, so that nothing it says depends on this process; it
   * is the caller's to close. `plain`: its lines that are not JSON are ordinary, and not shown.
   */
  open(label: string, { plain = false } = {}): number {
    const file = this.fileOf(label);
    if (!this.tails.has(label)) {
      if (existsSync(file)) renameSync(file, path.join(this.folder, `${label}.previous.log`));
      closeSync(openSync(file, 'a', 0o600));
      this.tails.set(label, new LogTail(file, (line) => this.showLine(label, line, plain)));
    }
    return openSync(file, 'a', 0o600);
  }

  /** For this process's own entries, to its very end. */
  destination(label: string): { write(line: string): void } {
    const descriptor = this.open(label);
    return { write: (line) => void writeSync(descriptor, line) };
  }

  async lastLines(label: string, count: number): Promise<string> {
    const text = await readFile(this.fileOf(label), 'utf8');
    return text.trimEnd().split('\n').slice(-count).join('\n');
  }

  async close(): Promise<void> {
    await Promise.all([...this.tails.values()].map((tail) => tail.close()));
  }

  private showLine(label: string, line: string, plain: boolean): void {
    const shown = noteworthy(line, { plain, starting: this.starting });
    if (shown !== undefined) this.show(`[${label}] ${shown}`);
  }
}

/** What of a log line is for the terminal: level and words of a warning or worse, and whatever is no log entry at all. */
export function noteworthy(line: string, how: { plain?: boolean; starting?: boolean } = {}): string | undefined {
  if (line.trim() === '') return undefined;
  const entry = parseEntry(line);
  if (entry === undefined) return how.plain === true ? undefined : line;
  const { level, err, down } = entry;
  if (typeof level !== 'string' || !['warn', 'error', 'fatal'].includes(level)) return undefined;
  if (how.starting === true && down !== undefined) return undefined;
  const cause = isRecord(err)
    ? err['message']
    : isRecord(down)
      ? Object.entries(down).map(reasonOf).join(', ')
      : undefined;
  return `${level}: ${String(entry['msg'])}${typeof cause === 'string' ? ` (${cause})` : ''}`;
}

/** Of a service's readiness: what is down, and why. */
function reasonOf([check, reason]: [string, unknown]): string {
  return `${check}: ${String(reason)}`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function parseEntry(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Follows a file that only grows. */
class LogTail {
  private offset = 0;
  private rest = '';
  private reading: Promise<void> = Promise.resolve();
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly file: string,
    private readonly onLine: (line: string) => void,
  ) {
    this.timer = setInterval(() => {
      this.reading = this.reading.then(() => this.read());
    }, POLL_MS);
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.reading;
    await this.read();
  }

  private async read(): Promise<void> {
    if ((await stat(this.file)).size === this.offset) return;
    const handle = await open(this.file, 'r');
    try {
      const chunk = Buffer.allocUnsafe(READ_AT_ONCE);
      for (;;) {
        const { bytesRead } = await handle.read(chunk, 0, chunk.length, this.offset);
        if (bytesRead === 0) return;
        this.offset += bytesRead;
        const lines = (this.rest + chunk.toString('utf8', 0, bytesRead)).split('\n');
        this.rest = lines.pop() ?? '';
        for (const line of lines) this.onLine(line);
      }
    } finally {
      await handle.close();
    }
  }
}
