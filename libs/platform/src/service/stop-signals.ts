/** What a process does when it is told to stop. */
export interface StopSignals {
  /** Tells that the stop began. */
  announce(signal: NodeJS.Signals): void;
  stop(): Promise<unknown>;
  /** `stop` rejected; the process is expected to end here. */
  failed(error: unknown): void;
}

/** SIGINT and SIGTERM: stop, then end with 0. A second one means now: the process ends with 130. */
export function stopOnSignals({ announce, stop, failed }: StopSignals): void {
  let stopping = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stopping) process.exit(130);
    stopping = true;
    announce(signal);
    stop().then(() => process.exit(0), failed);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
}
