import { setTimeout as delay } from 'node:timers/promises';
import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { Authenticator } from '../auth/authenticator';
import { decide, isAllowedEverywhere, type Permission } from '../auth/permissions';
import type { Principal } from '../auth/principal';
import { notFound } from '../core/refusals';
import { ENDPOINT, type Endpoint, type OwnedType, type Target } from './endpoint';
import { type HttpRequest, remainingMs, setPrincipal } from './exchange';
import { forbidden, storeUnavailable } from './refusals';

export const OWNERS = Symbol('OWNERS');

/** Port: whose something is. */
export interface Owners {
  /** The tenant's id; undefined: there is no such thing, or it is the platform's. */
  tenantOf(type: OwnedType, id: string): Promise<string | undefined>;
}

/**
 * Who calls, and whether they may: before anything of the request is looked at but what says whose things it concerns.
 * What is another tenant's is answered as what does not exist.
 */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    @Inject(Authenticator) private readonly authenticator: Authenticator,
    @Inject(OWNERS) private readonly owners: Owners,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const definition = Reflect.getMetadata(ENDPOINT, context.getHandler()) as Endpoint | undefined;
    if (definition === undefined) throw new Error('a route under /api/v1 that is no endpoint');
    if (definition.permission === undefined) return true;
    const request = context.switchToHttp().getRequest<HttpRequest>();
    const { authorization } = request.headers;
    const principal = await this.authenticator.authenticate(
      typeof authorization === 'string' ? authorization : undefined,
    );
    setPrincipal(request, principal);
    await this.authorize(principal, definition.permission, definition.target, request);
    return true;
  }

  private async authorize(
    principal: Principal,
    permission: Permission,
    target: Target,
    request: HttpRequest,
  ): Promise<void> {
    if (!isOwned(target)) {
      requirePermission(principal, permission, tenantOf(target, request));
    } else if (!isAllowedEverywhere(principal, permission)) {
      const thing = { type: target.at, id: textAt(request.params, target.name) ?? '' };
      await this.requireOwned(principal, permission, thing, remainingMs(request));
    }
  }

  private async requireOwned(
    principal: Principal,
    permission: Permission,
    { type, id }: { type: OwnedType; id: string },
    limitMs: number,
  ): Promise<void> {
    const owner = id.includes('\0') ? undefined : await within(limitMs, this.owners.tenantOf(type, id));
    const decision = decide(principal, permission, owner ?? NO_TENANT);
    if (decision === 'hidden') throw notFound(type, id);
    if (decision === 'forbidden') throw forbidden();
  }
}

type Owned = Extract<Target, { at: OwnedType }>;

function isOwned(target: Target): target is Owned {
  return target.at === 'key' || target.at === 'webhook' || target.at === 'export';
}

/** What no tenant's id is. */
const NO_TENANT = '';

/** @throws AdminError 403, or 404 where the tenant is none the caller sees. */
export function requirePermission(principal: Principal, permission: Permission, tenantId?: string): void {
  const decision = decide(principal, permission, tenantId);
  if (decision === 'hidden') throw notFound('tenant', tenantId ?? '');
  if (decision === 'forbidden') throw forbidden();
}

/** Undefined where the request names none: then a role anywhere lets it on, to be refused for the missing name. */
function tenantOf(target: Exclude<Target, Owned>, request: HttpRequest): string | undefined {
  switch (target.at) {
    case 'platform':
      return undefined;
    case 'scope':
      return textAt(request.query, 'tenant');
    case 'tenant':
      return textAt(request[target.in], target.name);
  }
}

function textAt(holder: unknown, name: string): string | undefined {
  const value = typeof holder === 'object' && holder !== null ? (holder as Record<string, unknown>)[name] : undefined;
  return typeof value === 'string' ? value : undefined;
}

async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  const timer = new AbortController();
  const late = delay(limitMs, undefined, { signal: timer.signal }).then(() => {
    throw storeUnavailable(new Error('whose it is could not be found out in time'));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    timer.abort();
  }
}
