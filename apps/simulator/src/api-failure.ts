/** A refusal in neutral terms; each dialect renders it in its own error shape. */
export class ApiFailure extends Error {
  constructor(
    readonly status: number,
    /** The wire's own word (`invalid_request_error`); undefined leaves the choice to the dialect, by status. */
    readonly type: string | undefined,
    message: string,
    /** OpenAI only: the parameter at fault and the machine-readable code. */
    readonly param: string | null = null,
    readonly code: string | null = null,
    readonly headers: Record<string, string> = {},
  ) {
    super(message);
  }
}

/** 400 in either dialect. Always throws. */
export function refuse(message: string, param: string | null = null, code: string | null = null): never {
  throw new ApiFailure(400, 'invalid_request_error', message, param, code);
}
