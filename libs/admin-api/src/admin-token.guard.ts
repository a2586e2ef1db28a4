import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { AdminError } from './core/admin-error';
import { carriesToken } from './core/bearer';
import { ADMIN_OPTIONS, type AdminApiOptions } from './options';

interface Request {
  headers: { authorization?: string };
}

interface Reply {
  header(name: string, value: string): unknown;
}

@Injectable()
export class AdminTokenGuard implements CanActivate {
  constructor(@Inject(ADMIN_OPTIONS) private readonly options: AdminApiOptions) {}

  canActivate(context: ExecutionContext): boolean {
    const { adminToken } = this.options;
    if (adminToken === undefined || adminToken === '') {
      throw new AdminError(
        503,
        'admin_token_not_configured',
        'The admin API is off: set ADMIN_TOKEN and restart to use it.',
      );
    }
    const http = context.switchToHttp();
    if (carriesToken(http.getRequest<Request>().headers.authorization, adminToken)) return true;
    http.getResponse<Reply>().header('www-authenticate', 'Bearer');
    throw new AdminError(401, 'unauthorized', 'Send the admin token: `Authorization: Bearer <ADMIN_TOKEN>`.');
  }
}
