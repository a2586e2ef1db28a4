import { applyDecorators, Controller, SetMetadata, type Type, UseGuards, UseInterceptors } from '@nestjs/common';
import { AccessGuard } from './access.guard';
import { API_ROOT, ENDPOINT, type Endpoint, type Method } from './endpoint';
import { ReplyInterceptor } from './reply.interceptor';

export const ROUTES = Symbol('ROUTES');

const FOLDER = 'switchboard:folder';

/** A controller of the API, `path` below its root: guarded, timed, and its errors rendered as the API's. */
export function ApiController(path: string): ClassDecorator {
  return applyDecorators(
    Controller(path === '' ? API_ROOT : `${API_ROOT}/${path}`),
    SetMetadata(FOLDER, path),
    UseGuards(AccessGuard),
    UseInterceptors(ReplyInterceptor),
  );
}

export interface Route {
  method: Method;
  /** Absolute, as registered: `/api/v1/keys/:id`, `/api/v1/models/*`. */
  path: string;
  endpoint: Endpoint;
}

/** Every route of the API, as the controllers declare them. */
export class Routes {
  readonly all: readonly Route[];
  private readonly patterns: readonly { pattern: RegExp; method: Method }[];

  constructor(controllers: readonly Type[]) {
    this.all = controllers.flatMap((controller) => routesOf(controller));
    this.patterns = this.all.map(({ method, path }) => ({ method, pattern: patternOf(path) }));
  }

  /** What a path may be asked with; nothing where there is no such path. */
  methodsOf(path: string): Method[] {
    return this.patterns.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method);
  }
}

function routesOf(controller: Type): Route[] {
  const folder = Reflect.getMetadata(FOLDER, controller) as string;
  const prototype = controller.prototype as Record<string, unknown>;
  return Object.getOwnPropertyNames(prototype).flatMap((name) => {
    const handler = prototype[name];
    if (typeof handler !== 'function') return [];
    const endpoint = Reflect.getMetadata(ENDPOINT, handler) as Endpoint | undefined;
    if (endpoint === undefined) return [];
    const path = `/${[API_ROOT, folder, endpoint.path].filter((part) => part !== '').join('/')}`;
    return [{ method: endpoint.method, path, endpoint }];
  });
}

function patternOf(path: string): RegExp {
  const steps = path.split('/').map((step) => {
    if (step === '*') return '.+';
    return step.startsWith(':') ? '[^/]+' : step.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${steps.join('/')}/?$`);
}
