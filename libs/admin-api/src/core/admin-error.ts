import { HttpException } from '@nestjs/common';

export interface Fault {
  /** The parameter's name; empty for the request as a whole. */
  path: string;
  message: string;
}

export interface AdminErrorOptions {
  faults?: Fault[];
  /** Of the reply, lower case: `retry-after`. */
  headers?: Readonly<Record<string, string>>;
  cause?: unknown;
}

/** An error of the admin API, rendered as `{ error: { code, message, faults? } }`. */
export class AdminError extends HttpException {
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, options: AdminErrorOptions = {}) {
    const { faults, headers = {}, cause } = options;
    super({ error: { code, message, ...(faults === undefined ? {} : { faults }) } }, status, { cause });
    this.headers = headers;
  }
}
