import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { catchError, map, type Observable, throwError, timeout, TimeoutError } from 'rxjs';
import { type HttpReply, type HttpRequest, remainingMs, requestIdOf } from './exchange';
import { storeUnavailable } from './refusals';

/** What a handler of a mutation answers with. */
export interface MutationAnswer {
  status: number;
  body: object;
  /** It is the reply to an earlier request of the same Idempotency-Key. */
  replayed: boolean;
}

/** What every reply has; and no request waits for ever. */
@Injectable()
export class ReplyInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const http = context.switchToHttp();
    const reply = http.getResponse<HttpReply>();
    const request = http.getRequest<HttpRequest>();
    reply.header('x-request-id', requestIdOf(request));
    // Replies may hold a new key, and are of one caller alone.
    reply.header('cache-control', 'no-store');
    return next.handle().pipe(
      timeout(remainingMs(request)),
      catchError((error: unknown) => {
        const late = error instanceof TimeoutError;
        return throwError(() => (late ? storeUnavailable(error) : error));
      }),
      map((answer: unknown) => (isMutationAnswer(answer) ? sent(answer, reply) : answer)),
    );
  }
}

function isMutationAnswer(answer: unknown): answer is MutationAnswer {
  return typeof answer === 'object' && answer !== null && 'replayed' in answer && 'body' in answer;
}

function sent({ status, body, replayed }: MutationAnswer, reply: HttpReply): object {
  reply.status(status);
  if (replayed) reply.header('idempotent-replayed', 'true');
  return body;
}
