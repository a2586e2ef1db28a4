import { setTimeout as delay } from 'node:timers/promises';
import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { Authenticator } from '../auth/authenticator';
import { decide, isAllowedEverywhere, type Permission } from '../auth/permissions';
import type { Principal } from '../auth/principal';
import { notFound } from '../core/refusals';
import { ENDPOINT, type Endpoint, type Target } from './endpoint';
import { type HttpRequest, remainingMs, setPrincipal } from './exchange';
import { forbidden, storeUnavailable } from './refusals';

export const KEY_OWNERS = Symbol('KEY_OWNERS');

/** Port: whose a key is. */
export interface KeyOwners {
  /** The tenant's id; undefined: there is no such key. */
  tenantOf(keyId: string): Promise<string | undefined>;
}

/**
 * Who calls, and whether they may: before anything of the request is looked at but what says whose things it concerns.
 * What is another tenant's is answered as what does not exist.
 */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    @Inject(Authenticator) private readonly authenticator: Authenticator,
    @Inject(KEY_OWNERS) private readonly owners: KeyOwners,
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
    if (target.at !== 'key') {
      requirePermission(principal, permission, tenantOf(target, request));
    } else if (!isAllowedEverywhere(principal, permission)) {
      const keyId = textAt(request.params, target.name) ?? '';
      await this.requireKey(principal, permission, keyId, remainingMs(request));
    }
  }

  private async requireKey(
    principal: Principal,
    permission: Permission,
    keyId: string,
    limitMs: number,
  ): Promise<void> {
    const owner = keyId.includes('\0') ? undefined : await within(limitMs, this.owners.tenantOf(keyId));
    const decision = decide(principal, permission, owner ?? NO_TENANT);
    if (decision === 'hidden') throw notFound('key', keyId);
    if (decision === 'forbidden') throw forbidden();
  }
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
function tenantOf(target: Exclude<Target, { at: 'key' }>, request: HttpRequest): string | undefined {
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
    throw storeUnavailable(new Error('whose a key is could not be found out in time'));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    timer.abort();
  }
}
