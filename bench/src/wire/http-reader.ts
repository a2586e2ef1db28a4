const headEnd = Buffer.from('\r\n\r\n');
const lineEnd = Buffer.from('\r\n');

/**
 * Reads HTTP/1.1 messages off a socket, one after another, keeping of each no more than its first line and the length of
 * its body. A load generator that parsed as a client does would cost more than the proxy it measures.
 */
export class HttpReader {
  private state: 'head' | 'sized' | 'chunk-size' | 'chunk' | 'chunk-end' | 'last-chunk' = 'head';
  private held: Buffer = Buffer.alloc(0);
  private left = 0;
  private startLine = '';
  private bodyBytes = 0;
  private body: Buffer[] | undefined;
  private keptMost = 0;
  private onBody: (piece: Buffer) => void = () => undefined;

  /** `onMessage` gets the first line and the number of body bytes, chunk framing excluded. */
  constructor(private readonly onMessage: (startLine: string, bodyBytes: number, body: Buffer | undefined) => void) {}

  /** Keeps the bodies from here on, or about `bytesMost` of each, for a reader that wants to look at them. */
  keepBodies(bytesMost = Number.POSITIVE_INFINITY): void {
    this.keptMost = bytesMost;
    this.body ??= [];
  }

  /** Shows every piece of a body, without chunk framing, when it comes. */
  watchBodies(onBody: (piece: Buffer) => void): void {
    this.onBody = onBody;
  }

  /** Throws on what is not HTTP/1.1 with a length or chunks. */
  push(bytes: Buffer): void {
    this.held = this.held.length === 0 ? bytes : Buffer.concat([this.held, bytes]);
    while (this.held.length > 0 && this.advance());
  }

  /** Takes what it can from the held bytes; false: it needs more. */
  private advance(): boolean {
    switch (this.state) {
      case 'head':
        return this.readHead();
      case 'chunk-size':
        return this.readChunkSize();
      case 'chunk-end':
      case 'last-chunk':
        return this.readLineEnd();
      case 'sized':
      case 'chunk':
        return this.readBytes();
    }
  }

  private take(length: number): Buffer {
    const taken = this.held.subarray(0, length);
    this.held = this.held.subarray(length);
    return taken;
  }

  private readHead(): boolean {
    const end = this.held.indexOf(headEnd);
    if (end === -1) return false;
    const head = this.take(end + headEnd.length).toString('latin1');
    this.startLine = head.slice(0, head.indexOf('\r\n'));
    this.bodyBytes = 0;
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (length !== undefined) {
      this.left = Number(length);
      this.state = 'sized';
      if (this.left === 0) this.finish();
    } else if (/\r\ntransfer-encoding: *chunked/i.test(head)) {
      this.state = 'chunk-size';
    } else {
      this.finish();
    }
    return true;
  }

  private readChunkSize(): boolean {
    const end = this.held.indexOf(lineEnd);
    if (end === -1) return false;
    const size = Number.parseInt(this.take(end + lineEnd.length).toString('latin1'), 16);
    if (!Number.isInteger(size)) throw new Error('malformed chunk size');
    this.left = size;
    this.state = size === 0 ? 'last-chunk' : 'chunk';
    return true;
  }

  private readLineEnd(): boolean {
    if (this.held.length < lineEnd.length) return false;
    if (!this.take(lineEnd.length).equals(lineEnd)) throw new Error('malformed end of chunk');
    if (this.state === 'last-chunk') this.finish();
    else this.state = 'chunk-size';
    return true;
  }

  private readBytes(): boolean {
    const taken = this.take(Math.min(this.left, this.held.length));
    this.left -= taken.length;
    this.bodyBytes += taken.length;
    if (this.bodyBytes - taken.length < this.keptMost) this.body?.push(taken);
    this.onBody(taken);
    if (this.left === 0) {
      if (this.state === 'sized') this.finish();
      else this.state = 'chunk-end';
    }
    return true;
  }

  private finish(): void {
    this.state = 'head';
    const body = this.body === undefined ? undefined : Buffer.concat(this.body);
    if (this.body !== undefined) this.body = [];
    this.onMessage(this.startLine, this.bodyBytes, body);
  }
}
