/** A step changes the rate by so much at most: a moment's noise is not followed. */
const STEP_MOST = 1.3;
/** Found once two steps in a row were smaller. */
const FOUND_STEP = 0.03;

/**
 * Keeps a load at a share of a core. Requests per second are no measure for it: a busy loop takes less for each of them
 * than an idle one, and a shared machine is at times half as fast as at others.
 */
export class Steering {
  private smallSteps = 0;

  /** @param perSecond to begin with @param share of the core, 0 to 1 */
  constructor(
    public perSecond: number,
    private readonly share: number,
  ) {}

  get found(): boolean {
    return this.smallSteps > 1;
  }

  /** @param cpuShare what the rate until now took of the core; NaN (nobody tells) leaves it as it is */
  took(cpuShare: number): void {
    if (!(cpuShare > 0)) return;
    const step = Math.min(STEP_MOST, Math.max(1 / STEP_MOST, this.share / cpuShare));
    this.smallSteps = Math.abs(step - 1) < FOUND_STEP ? this.smallSteps + 1 : 0;
    this.perSecond = Math.max(1, this.perSecond * step);
  }
}
