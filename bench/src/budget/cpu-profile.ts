/** What V8's profiler gives, as far as it is read here; times in microseconds. */
export interface CpuProfile {
  nodes: ProfileNode[];
  startTime: number;
  endTime: number;
  /** Node of every sample. */
  samples: number[];
  /** Between the sample before (or the start) and this one. */
  timeDeltas: number[];
}

export interface ProfileNode {
  id: number;
  callFrame: CallFrame;
  children?: number[];
}

export interface CallFrame {
  functionName: string;
  /** Of the script; empty for what is native. */
  url: string;
  lineNumber: number;
}

/** Microseconds spent in each node itself: a sample stands for the time until the next one. */
export function selfMicros({ samples, timeDeltas, startTime, endTime }: CpuProfile): Map<number, number> {
  const micros = new Map<number, number>();
  const total = timeDeltas.reduce((sum, delta) => sum + delta, 0);
  samples.forEach((node, index) => {
    const spent = timeDeltas[index + 1] ?? Math.max(0, endTime - startTime - total);
    micros.set(node, (micros.get(node) ?? 0) + spent);
  });
  return micros;
}
