import { applyDecorators, HttpCode, RequestMapping, RequestMethod, SetMetadata } from '@nestjs/common';
import type { z } from 'zod';
import type { Permission } from '../auth/permissions';

export const ENDPOINT = 'switchboard:endpoint';
export const API_ROOT = 'api/v1';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What has an id of its own and belongs to a tenant. */
export type OwnedType = 'key' | 'webhook' | 'export';

/** Where a request says whose things it concerns. */
export type Target =
  /** The platform's, or what every caller may see. */
  | { at: 'platform' }
  /** A tenant's, by its id. */
  | { at: 'tenant'; in: 'params' | 'query' | 'body'; name: string }
  /** Of whoever the thing belongs to, by its id. */
  | { at: OwnedType; name: string }
  /** Those the caller sees, or, where the query names a tenant, that tenant's. */
  | { at: 'scope' };

/**
 * One route of the API, said once: it is what is registered, checked before the handler runs, and printed in the OpenAPI
 * document.
 */
export interface Endpoint<
  Params extends z.ZodType = z.ZodType,
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
> {
  method: Method;
  /** Below the controller's own; a trailing `*` takes an id with slashes, which handlers get as `id`. */
  path: string;
  /** Unique; what generated clients name their method. */
  operationId: string;
  summary: string;
  /** Absent: open to all, no credentials needed. */
  permission?: Permission;
  target: Target;
  params?: Params;
  query?: Query;
  body?: Body;
  /** What the handler answers with. */
  reply: z.ZodType;
  status: number;
  /** It answers `format=csv` too. */
  csv?: boolean;
  /** It answers with a file of this media type instead. */
  binary?: string;
}

/** Keeps the schemas' own types, which {@link InputOf} needs. */
export function endpoint<Params extends z.ZodType, Query extends z.ZodType, Body extends z.ZodType>(
  definition: Omit<Endpoint<Params, Query, Body>, 'status'> & { status?: number },
): Endpoint<Params, Query, Body> {
  return { status: 200, ...definition };
}

/** Every POST, PUT, PATCH and DELETE changes something. */
export function isMutation({ method }: Endpoint): boolean {
  return method !== 'GET';
}

/** Registers the method as the handler of an endpoint. */
export function Handles(definition: Endpoint): MethodDecorator {
  return applyDecorators(
    RequestMapping({ method: RequestMethod[definition.method], path: definition.path }),
    HttpCode(definition.status),
    SetMetadata(ENDPOINT, definition),
  );
}
