const LINE_END = '\r\n';

/** What ends a body sent in chunks. */
export const LAST_CHUNK = '0\r\n\r\n';

/**
 * A chunk of HTTP/1.1 (RFC 9112, 7.1) in one piece, for a response that leaves the framing to its writer. Node sends size,
 * bytes and line end as three, which costs a streamed chunk more than its copy here. `bytes`: not empty, or it would end
 * the body; a string is sent as UTF-8. `rest`: goes behind it, framed already.
 */
export function httpChunk(bytes: Buffer | string, rest = ''): Buffer | string {
  const head = Buffer.byteLength(bytes).toString(16) + LINE_END;
  const tail = LINE_END + rest;
  if (typeof bytes === 'string') return head + bytes + tail;
  const framed = Buffer.allocUnsafe(head.length + bytes.length + tail.length);
  framed.write(head, 0, 'latin1');
  framed.set(bytes, head.length);
  framed.write(tail, head.length + bytes.length, 'latin1');
  return framed;
}
