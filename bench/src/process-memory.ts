import { readFileSync } from 'node:fs';

/** Resident memory of a process in MB (10^6 bytes); NaN where the system has no such file. */
export function residentMb(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1.024e-3;
  } catch {
    return Number.NaN;
  }
}
