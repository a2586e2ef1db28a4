/** What the simulator says to `say hi`. */
export const GREETING = 'Hi from the Switchboard simulator. You wrote: say hi';

/** Thinks before it answers, whether or not it was asked to. */
export const THINKS = ';thinking=1';
/** Busy once, then well. The gateway has no other upstream to go to: it is for the client to come again. */
export const BUSY_ONCE = ';fail_first=1;status=429;retry_after=1';
/** What a call that met {@link BUSY_ONCE} is recorded as. */
export const BUSY_ENDING = '429 upstream_error';
/** Every stream breaks off after its third chunk with an error of the upstream's dialect; what is not streamed is well. */
export const BREAKS = ';chunks=10;chunk_delay_ms=20;mid_stream_error=3;error_type=api_error';
export const BROKEN_ENDING = '200 upstream_error';
/** Nothing works. */
export const DOWN = ';status=500';
export const DOWN_ENDING = '502 upstream_error';

/** Asks the simulator, in a user's text, to call a tool with these arguments. */
export function toolMarker(tool: string, args: unknown): string {
  return `[[tool:${tool} ${JSON.stringify(args)}]]`;
}
