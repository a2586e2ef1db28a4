import { HttpException } from '@nestjs/common';

export interface Fault {
  /** The parameter's name; empty for the request as a whole. */
  path: string;
  message: string;
}

/** An error of the admin API, rendered as `{ error: { code, message, faults? } }`. */
export class AdminError extends HttpException {
  constructor(status: number, code: string, message: string, options: { faults?: Fault[]; cause?: unknown } = {}) {
    const { faults, cause } = options;
    super({ error: { code, message, ...(faults === undefined ? {} : { faults }) } }, status, { cause });
  }
}
