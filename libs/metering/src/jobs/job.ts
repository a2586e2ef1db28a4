/**
 * Work that is done again and again, by one process at a time wherever it can be helped. Its state is in Postgres: a run that
 * is cut off is made up for by the next, and one that is done twice at once changes nothing.
 */
export interface Job {
  /** Short and lower case, as it is in metrics and logs: `retention`. */
  name: string;
  /** Milliseconds from one run to the next. */
  everyMs: number;
  /** Rejects where it could not do all of it, with a reason fit for an operator; ends early when `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** Says when each job has its turn, and has it run. */
export interface JobRunner {
  /** Returns at once. A job has its first turn within seconds, unless it just had one. */
  start(): void;
  /** No run begins any more; those in hand are told to end, and waited for a few seconds at most. */
  stop(): Promise<void>;
}
