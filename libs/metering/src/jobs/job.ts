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
