type Task = () => void;

/** Bytes of a stream that wait for their client. */
interface Relaying {
  flushUnlessPaused(): void;
}

/**
 * What one turn of the event loop gathered of all its calls, worked off stage by stage at the turn's end: a stage that runs
 * for many calls in a row finds its code in the core's caches, where each call on its own, from its first byte to its last,
 * finds there what the call before needed (cohort scheduling, Larus and Parkes 2002).
 *
 * Replies come first, since clients wait for them; then what is put on record of calls that ended; then new calls.
 */
export class TurnStages {
  private readonly streams = new Stage<Relaying>((attempt) => attempt.flushUnlessPaused());
  private readonly replies = new Stage<Task>(run);
  private readonly ends = new Stage<Task>(run);
  private readonly beginnings = new Stage<Task>(run);
  private scheduled: NodeJS.Immediate | undefined;

  /** @param failed told what a task threw: the others are not to suffer for it */
  constructor(private readonly failed: (error: unknown) => void) {}

  relay(attempt: Relaying): void {
    this.streams.add(attempt);
    this.schedule();
  }

  reply(task: Task): void {
    this.replies.add(task);
    this.schedule();
  }

  end(task: Task): void {
    this.ends.add(task);
    this.schedule();
  }

  begin(task: Task): void {
    this.beginnings.add(task);
    this.schedule();
  }

  /** Works off what there is now. */
  run(): void {
    clearImmediate(this.scheduled);
    this.scheduled = undefined;
    this.streams.run(this.failed);
    this.replies.run(this.failed);
    this.ends.run(this.failed);
    this.beginnings.run(this.failed);
  }

  private schedule(): void {
    this.scheduled ??= setImmediate(() => this.run());
  }
}

const run = (task: Task): void => task();

class Stage<Item> {
  private items: Item[] = [];

  constructor(private readonly work: (item: Item) => void) {}

  add(item: Item): void {
    this.items.push(item);
  }

  /** What a task adds to its own stage waits for the next turn. */
  run(failed: (error: unknown) => void): void {
    const { items } = this;
    if (items.length === 0) return;
    this.items = [];
    for (const item of items) {
      try {
        this.work(item);
      } catch (error) {
        failed(error);
      }
    }
  }
}
