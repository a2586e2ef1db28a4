import { createHash, randomBytes } from 'node:crypto';
import { processStart } from '@switchboard/platform';

/** `<pid>-<of when it started>-<chance>.v1`, the last being the version of what is inside. */
const NAME = /^(\d+)-([0-9a-f]{16})-[0-9a-f]{8}\.v1$/;

/** A process, as the names of its folders tell of it. */
export interface Owner {
  pid: number;
  /** Differs for every other process that ever has this pid on this machine. */
  start: string;
}

export async function thisProcess(): Promise<Owner> {
  const start = await processStart(process.pid);
  if (start === undefined) throw new Error(`cannot tell when process ${process.pid} (this one) started`);
  return { pid: process.pid, start };
}

/** A name that nobody has used. */
export function newFolderName({ pid, start }: Owner): string {
  return `${pid}-${digestOf(start)}-${randomBytes(4).toString('hex')}.v1`;
}

/** Whether a name is that of a folder whose process is dead. What is not named so is left alone. */
export async function isAbandoned(name: string): Promise<boolean> {
  const [, pid, digest] = NAME.exec(name) ?? [];
  if (pid === undefined) return false;
  const start = await processStart(Number(pid));
  return start === undefined || digestOf(start) !== digest;
}

function digestOf(start: string): string {
  return createHash('sha256').update(start).digest('hex').slice(0, 16);
}
