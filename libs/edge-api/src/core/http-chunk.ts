const [CR, LF, ZERO, LOWER_A] = [13, 10, 48, 97];
const FRAME_BYTES_MOST = 16;
const LINE_END = '\r\n';

/** What ends a body sent in chunks. */
export const LAST_CHUNK = '0\r\n\r\n';

/**
 * A chunk of HTTP/1.1 (RFC 9112, 7.1) in one piece, for a response that leaves the framing to its writer. Node sends size,
 * bytes and line end as three, which costs a streamed chunk more than its copy here. `bytes`: not empty, or it would end
 * the body; a string is sent as UTF-8. `rest`: goes behind it, framed already.
 */
export function httpChunk(bytes: Buffer | string, rest = ''): Buffer | string {
  if (typeof bytes === 'string') return `${Buffer.byteLength(bytes).toString(16)}${LINE_END}${bytes}${LINE_END}${rest}`;
  const framed = Buffer.allocUnsafe(bytes.length + FRAME_BYTES_MOST + rest.length);
  let written = writeHex(framed, bytes.length);
  written = writeLineEnd(framed, written);
  framed.set(bytes, written);
  written = writeLineEnd(framed, written + bytes.length);
  if (rest !== '') written += framed.write(rest, written, 'latin1');
  return framed.subarray(0, written);
}

function writeHex(target: Buffer, value: number): number {
  let shift = 0;
  while (value >>> (shift + 4) !== 0) shift += 4;
  let position = 0;
  for (; shift >= 0; shift -= 4) {
    const digit = (value >>> shift) & 15;
    target[position++] = digit < 10 ? ZERO + digit : LOWER_A + digit - 10;
  }
  return position;
}

function writeLineEnd(target: Buffer, position: number): number {
  target[position] = CR;
  target[position + 1] = LF;
  return position + 2;
}
