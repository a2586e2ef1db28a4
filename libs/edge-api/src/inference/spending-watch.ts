import { costNanoUsd, type NanoUsd, type Prices, pricesFor, withDearestOutput } from '@switchboard/contracts';
import { emptyUsage, totalInputTokens, type Usage } from '@switchboard/protocol';
import { affordable } from '../core/affordable';
import type { Relay } from './relay';
import type { Reservation } from './reservation';

/** What an estimate of the output goes by, as the bill does where no figures came. */
const BYTES_PER_TOKEN = 4;
/** Hardly any text has more: an upstream that wrote more bytes than this for each token it was allowed wrote too much. */
const BYTES_PER_TOKEN_MOST = 8;
/** More is asked for when so much of what is held is used, in steps of so many tokens of the dearer kind. */
const ASK_AT = 0.9;
const STEP_TOKENS = 512;

/** `wait`: the answer is on its way, and until then nothing more may be read. */
export type SpendingVerdict = 'fine' | 'wait' | 'stop';

/** How far a reply is. */
type Progress = Pick<Relay, 'usage' | 'outputBytes'>;

/**
 * Looks whether a streamed reply costs more than was set aside for it: the input had more tokens than estimated (images),
 * or the upstream does not keep to its limit. More is then set aside in steps; when there is none, the reply has to end.
 */
export class SpendingWatch {
  private asking = false;
  private refused = false;
  private readonly prices: Prices;

  /** `onAnswer`: a call that waits may go on, or has to stop. */
  constructor(
    private readonly reservation: Reservation,
    prices: Prices,
    private readonly onAnswer: () => void,
  ) {
    // How much of it was reasoning most upstreams tell at the end.
    this.prices = withDearestOutput(prices);
  }

  /** Cheap while the reply keeps to what was expected: once per read of the upstream's socket. */
  check(progress: Progress): SpendingVerdict {
    const { granted, heldNanoUsd } = this.reservation;
    const { outputTokens, worst } = granted;
    if (progress.usage === undefined && !this.surelyTooLong(progress.outputBytes)) return 'fine';
    const usage = this.spent(progress, worst.inputTokensMost);
    // What is left to come is covered where all the output that was granted would be.
    const whole = { ...usage, outputTokens: Math.max(usage.outputTokens, outputTokens) };
    if (costNanoUsd(whole, this.prices) <= heldNanoUsd) return 'fine';
    const cost = costNanoUsd(usage, this.prices);
    if (cost <= heldNanoUsd * ASK_AT) return 'fine';
    if (!this.refused && !this.asking) this.ask(usage);
    if (cost <= heldNanoUsd) return 'fine';
    return this.asking ? 'wait' : 'stop';
  }

  /** What the reply came to so far, and not more than is held: where it was ended, the rest is ours. */
  affordable(progress: Progress): Usage {
    const { granted, heldNanoUsd } = this.reservation;
    const usage = this.spent(progress, granted.request.amounts.inputTokens);
    return affordable(usage, this.prices, heldNanoUsd);
  }

  /** `inputTokens`: of an upstream that has not told. */
  private spent({ usage, outputBytes }: Progress, inputTokens: number): Usage {
    const known = usage ?? { ...emptyUsage(), inputTokens };
    const written = Math.ceil(outputBytes / BYTES_PER_TOKEN);
    // An upstream is believed to keep to its limit until it surely has not.
    const counted = this.surelyTooLong(outputBytes)
      ? written
      : Math.min(written, this.reservation.granted.outputTokens);
    return { ...known, outputTokens: Math.max(known.outputTokens, counted) };
  }

  private surelyTooLong(outputBytes: number): boolean {
    return outputBytes > this.reservation.granted.outputTokens * BYTES_PER_TOKEN_MOST;
  }

  private ask(usage: Usage): void {
    this.asking = true;
    const { input, output } = pricesFor(totalInputTokens(usage), this.prices);
    const step: NanoUsd = Math.max(1, Math.ceil((STEP_TOKENS * Math.max(input, output)) / 1000));
    const answered = (isGranted: boolean): void => {
      this.asking = false;
      this.refused = !isGranted;
      this.onAnswer();
    };
    this.reservation.extend(step).then(answered, () => answered(false));
  }
}
