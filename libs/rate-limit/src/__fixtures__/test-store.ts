/** Tells of a store that lives more than once, as Redis does. Of life 0: it is not there yet. */
export class TestStore {
  private readonly listeners: (() => void)[] = [];

  constructor(public life = 1) {}

  readonly onConnected = (listener: () => void): void => {
    this.listeners.push(listener);
    if (this.life > 0) listener();
  };

  readonly current = (): string => {
    if (this.life === 0) throw new Error('not connected');
    return `life ${this.life}`;
  };

  /** With nothing of what it had. */
  begins(): void {
    this.life++;
    this.connects();
  }

  connects(): void {
    for (const listener of this.listeners) listener();
  }
}
