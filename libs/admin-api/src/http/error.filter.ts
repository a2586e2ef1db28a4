import { type ArgumentsHost, Catch, HttpException, Inject, Injectable } from '@nestjs/common';
import { BaseExceptionFilter, HttpAdapterHost } from '@nestjs/core';
import { InvalidCursorError, LimiterUnavailableError } from '@switchboard/contracts';
import { AdminError } from '../core/admin-error';
import { ADMIN_OPTIONS, type AdminApiOptions } from '../options';
import { API_ROOT } from './endpoint';
import { type HttpReply, type HttpRequest, requestIdOf } from './exchange';
import { storeUnavailable, unavailable } from './refusals';
import { ROUTES, type Routes } from './routes';
import { isStoreAway } from './store-fault';

const CODES: Readonly<Record<number, [code: string, message: string]>> = {
  400: ['malformed_body', 'The body is not well-formed JSON.'],
  404: ['route_not_found', 'There is no such route; GET /api/v1/openapi.json lists them.'],
  413: ['body_too_large', 'The body is larger than 1 MiB.'],
  415: ['unsupported_media_type', 'Send the body as application/json.'],
};

/** Renders what goes wrong under `/api` as `{ error: { code, message, faults? } }`; the rest is left as Nest has it. */
@Catch()
@Injectable()
export class ErrorFilter extends BaseExceptionFilter {
  constructor(
    @Inject(HttpAdapterHost) host: HttpAdapterHost,
    @Inject(ADMIN_OPTIONS) private readonly options: Pick<AdminApiOptions, 'logger'>,
    @Inject(ROUTES) private readonly routes: Routes,
  ) {
    super(host.httpAdapter);
  }

  override catch(exception: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<HttpRequest>();
    if (!request.url.startsWith(`/${API_ROOT.split('/', 1)[0]}`)) {
      super.catch(exception, host);
      return;
    }
    const error = this.adminError(exception, request);
    const requestId = requestIdOf(request);
    const status = error.getStatus();
    if (status === 503) {
      this.options.logger.warn(
        { err: exception, requestId },
        'a request of the admin API met a dependency that is away',
      );
    } else if (status >= 500) {
      this.options.logger.error({ err: exception, requestId }, 'a request of the admin API failed');
    }
    const reply = host.switchToHttp().getResponse<HttpReply>();
    if (reply.sent) return;
    for (const [name, value] of Object.entries(error.headers)) reply.header(name, value);
    reply.header('x-request-id', requestId);
    reply.header('content-type', 'application/json; charset=utf-8');
    reply.status(status).send(error.getResponse());
  }

  private adminError(exception: unknown, request: HttpRequest): AdminError {
    if (exception instanceof AdminError) return exception;
    if (exception instanceof InvalidCursorError) {
      const faults = [{ path: 'cursor', message: exception.message }];
      return new AdminError(400, 'invalid_query', 'the query has faults', { faults, cause: exception });
    }
    if (exception instanceof LimiterUnavailableError) {
      return unavailable('limiter_unavailable', 'The limiter does not answer.', exception);
    }
    if (isStoreAway(exception)) return storeUnavailable(exception);
    const status = statusOf(exception);
    if (status === 404) return this.routeNotFound(request);
    const [code, message] = CODES[status] ?? ['invalid_request', 'The request cannot be read.'];
    if (status < 500) return new AdminError(status, code, message, { cause: exception });
    return new AdminError(500, 'internal', 'The request failed; see the log.', { cause: exception });
  }

  /** A route that is there for other methods says for which. */
  private routeNotFound({ method, url }: HttpRequest): AdminError {
    const allowed = this.routes.methodsOf(url.split('?', 1)[0] ?? '');
    const [code, message] = CODES[404] ?? [];
    if (allowed.length === 0) return new AdminError(404, String(code), String(message));
    return new AdminError(405, 'method_not_allowed', `${method} is not allowed here: ${allowed.join(', ')}.`, {
      headers: { allow: allowed.join(', ') },
    });
  }
}

/** Of Nest's own errors, and of Fastify's, which have a code FST_… and a status. */
function statusOf(exception: unknown): number {
  if (exception instanceof HttpException) return exception.getStatus();
  const { statusCode } = (exception ?? {}) as { statusCode?: unknown };
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500 ? statusCode : 500;
}
