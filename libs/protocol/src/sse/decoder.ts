/** One dispatched server-sent event. `event` is undefined where the stream gave no `event:` line. */
export interface SseEvent {
  event: string | undefined;
  data: string;
}
