/** Complete SSE text of one event, blank line included. `data` may hold line ends; each line gets its own `data:`. */
export function formatSseEvent(event: string | undefined, data: string): string {
  const body = hasLineEnd(data) ? data.split(/\r\n|\r|\n/).join('\ndata: ') : data;
  return event === undefined ? `data: ${body}\n\n` : `event: ${singleLine(event)}\ndata: ${body}\n\n`;
}

/** A comment: clients ignore it, proxies see traffic. */
export function formatSseComment(text: string): string {
  return `: ${singleLine(text)}\n\n`;
}

function hasLineEnd(text: string): boolean {
  return text.includes('\n') || text.includes('\r');
}

/** An upstream's words must not be able to end the line and forge an event. */
function singleLine(text: string): string {
  return hasLineEnd(text) ? text.replace(/[\r\n]+/g, ' ') : text;
}
