import { type DynamicModule, Module, type Provider, type Type } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { type Logger, PrismaClient } from '@switchboard/platform';
import { AuditController } from './audit.controller';
import { Authenticator } from './auth/authenticator';
import { BudgetsController } from './budgets.controller';
import { CallsController } from './calls.controller';
import { ConfigController } from './config.controller';
import { CreditsController } from './credits.controller';
import { ExportsController } from './exports.controller';
import { HealthController } from './health.controller';
import { type Owners, OWNERS } from './http/access.guard';
import { AuditLog } from './http/adapters/audit-log';
import { BoundedKeys } from './http/adapters/bounded-keys';
import { BudgetOwners } from './http/adapters/budget-owners';
import { StoreHealth } from './http/adapters/store-health';
import { ErrorFilter } from './http/error.filter';
import { Routes, ROUTES } from './http/routes';
import { ServiceRegistry } from './http/service-registry';
import { KeysController } from './keys.controller';
import { ModelsController } from './models.controller';
import { OpenApiController } from './openapi.controller';
import { ADMIN_OPTIONS, type Administration, type AdminApiOptions } from './options';
import { ProvidersController } from './providers.controller';
import { RefusedUsageController } from './refused-usage.controller';
import { ReconciliationsController } from './reconciliations.controller';
import { RoutingController } from './routing.controller';
import { Exports } from './services/exports';
import { Keys } from './services/keys';
import { Mutations } from './services/mutations';
import { PromptReadings } from './services/prompt-readings';
import { Webhooks } from './services/webhooks';
import { TenantsController } from './tenants.controller';
import { UsageController } from './usage.controller';
import { WebhooksController } from './webhooks.controller';

const ADMINISTRATION_CONTROLLERS: Type[] = [
  TenantsController,
  KeysController,
  BudgetsController,
  CreditsController,
  ProvidersController,
  ModelsController,
  WebhooksController,
  ExportsController,
  AuditController,
  ReconciliationsController,
  CallsController,
  RefusedUsageController,
  RoutingController,
  ConfigController,
  HealthController,
];

/** `/api/v1` of the private port. Probes and metrics are the platform's. */
@Module({})
export class AdminApiModule {
  /**
   * Needs USAGE_QUERIES and, with `administration`, the services of the writing side, CALL_QUERIES, REFUSED_USAGE, LIMITER
   * and ROUTING_EXPLAINER, from `imports` or global modules.
   */
  static forRoot(options: AdminApiOptions): DynamicModule {
    const { administration, imports = [], providers = [] } = options;
    const controllers = [
      UsageController,
      ...(administration === undefined ? [] : ADMINISTRATION_CONTROLLERS),
      OpenApiController,
    ];
    return {
      module: AdminApiModule,
      imports,
      controllers,
      providers: [
        { provide: ADMIN_OPTIONS, useValue: options },
        { provide: ROUTES, useValue: new Routes(controllers) },
        { provide: Authenticator, useFactory: () => new Authenticator(options) },
        { provide: APP_FILTER, useClass: ErrorFilter },
        ...(administration === undefined ? USAGE_ONLY : administrationProviders(administration, options.logger)),
        ...providers,
      ],
    };
  }
}

/** Without things to ask for, nobody is asked whose they are. */
const USAGE_ONLY: Provider[] = [
  { provide: OWNERS, useValue: { tenantOf: () => Promise.resolve(undefined) } satisfies Owners },
];

function administrationProviders({ bus }: Administration, logger: Logger): Provider[] {
  const readers = [AuditLog, BoundedKeys, BudgetOwners, StoreHealth].map((reader) => ({
    provide: reader,
    inject: [PrismaClient],
    useFactory: (prisma: PrismaClient) => new reader(prisma),
  }));
  return [
    ...readers,
    {
      provide: PromptReadings,
      inject: [Mutations],
      useFactory: (mutations: Mutations) => new PromptReadings(mutations),
    },
    { provide: ServiceRegistry, useFactory: () => new ServiceRegistry(bus, logger) },
    {
      provide: OWNERS,
      inject: [Keys, Webhooks, Exports],
      useFactory: (keys: Keys, webhooks: Webhooks, exported: Exports): Owners => {
        const owned = { key: keys, webhook: webhooks, export: exported };
        return { tenantOf: async (type, id) => (await owned[type].get(id))?.tenant ?? undefined };
      },
    },
  ];
}
