import { Inject } from '@nestjs/common';
import { z } from 'zod';
import { endpoint, Handles } from './http/endpoint';
import { openApiDocument } from './http/openapi';
import { named } from './http/replies/reply-registry';
import { ApiController, ROUTES, type Routes } from './http/routes';

const DOCUMENT = endpoint({
  ...{ method: 'GET', path: '', operationId: 'getOpenApi', summary: 'This document.', target: { at: 'platform' } },
  reply: named('OpenApiDocument', z.looseObject({ openapi: z.string() })),
});

@ApiController('openapi.json')
export class OpenApiController {
  private document: object | undefined;

  constructor(@Inject(ROUTES) private readonly routes: Routes) {}

  @Handles(DOCUMENT)
  get(): object {
    this.document ??= openApiDocument(this.routes.all);
    return this.document;
  }
}
