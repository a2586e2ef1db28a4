import { selfMicros, type CallFrame, type CpuProfile, type ProfileNode } from './cpu-profile';
import { STAGES, stageOf, type Stage } from './stages';

export interface FunctionTime {
  /** Name, file and line. */
  at: string;
  stage: Stage;
  micros: number;
}

export interface Attribution {
  /** Every stage, in order; in microseconds over the whole profile. */
  stages: Record<Stage, number>;
  /** Of the process doing nothing. */
  idleMicros: number;
  /** The dearest first, all of them. */
  functions: FunctionTime[];
}

/** Puts all of a profile's time where it belongs; what belongs nowhere is `other`, so that the sum is the profile's. */
export function attribute(profile: CpuProfile): Attribution {
  const stages = Object.fromEntries(STAGES.map((stage) => [stage, 0])) as Record<Stage, number>;
  const functions = new Map<string, FunctionTime>();
  const micros = selfMicros(profile);
  let idleMicros = 0;
  for (const [node, stage] of nodeStages(profile.nodes)) {
    const spent = micros.get(node.id) ?? 0;
    if (node.callFrame.functionName === '(idle)') {
      idleMicros += spent;
      continue;
    }
    stages[stage] += spent;
    const at = placeOf(node.callFrame);
    const known = functions.get(`${at} ${stage}`) ?? { at, stage, micros: 0 };
    known.micros += spent;
    functions.set(`${at} ${stage}`, known);
  }
  return { stages, idleMicros, functions: [...functions.values()].sort((a, b) => b.micros - a.micros) };
}

/** Every node with its stage: its own, or its caller's. */
function* nodeStages(nodes: readonly ProfileNode[]): Generator<[ProfileNode, Stage]> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const called = new Set(nodes.flatMap(({ children = [] }) => children));
  const pending: [ProfileNode, Stage][] = nodes.filter(({ id }) => !called.has(id)).map((root) => [root, 'other']);
  for (;;) {
    const next = pending.pop();
    if (next === undefined) return;
    const [node, callersStage] = next;
    const stage = stageOf(node.callFrame) ?? callersStage;
    yield [node, stage];
    for (const child of node.children ?? []) {
      const called = byId.get(child);
      if (called !== undefined) pending.push([called, stage]);
    }
  }
}

/** Without what is before the repository's own folders. */
function placeOf({ functionName, url, lineNumber }: CallFrame): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  const file = url.replace(/^.*\/(?=(node_modules|libs|apps|bench)\/)/, '');
  return file === '' ? name : `${name} ${file}:${lineNumber + 1}`;
}
