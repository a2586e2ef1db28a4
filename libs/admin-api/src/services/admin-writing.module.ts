import { type DynamicModule, Inject, Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { PrismaClient } from '@switchboard/platform';
import { ConfigReconciler } from '../adapters/config-reconciler';
import { Distributor } from '../adapters/distributor';
import { type AdminStore, type AdminStoreOptions, createAdminStore } from './admin-store';
import { Budgets } from './budgets';
import { Credits } from './credits';
import { Exports } from './exports';
import { Keys } from './keys';
import { Models } from './models';
import { Mutations } from './mutations';
import { Providers } from './providers';
import { Tenants } from './tenants';
import { WebhookDeliveries } from './webhook-deliveries';
import { Webhooks } from './webhooks';

/** Binds {@link AdminStore}: `ready`, `health`. */
export const ADMIN_STORE = Symbol('ADMIN_STORE');

/** What changes tenants, keys, providers, models, budgets, credits and webhooks; each service under its class. */
@Module({})
export class AdminWritingModule implements OnModuleInit, OnApplicationShutdown {
  constructor(@Inject(ADMIN_STORE) private readonly store: AdminStore) {}

  static forRoot(options: AdminStoreOptions): DynamicModule {
    return AdminWritingModule.over(createAdminStore(options));
  }

  /** Over a store that the caller has made, to await it or read its health; the module starts and closes it. */
  static over(store: AdminStore): DynamicModule {
    const providers = [
      { provide: ADMIN_STORE, useValue: store },
      { provide: PrismaClient, useValue: store.prisma },
      { provide: Mutations, useValue: store.mutations },
      { provide: Tenants, useValue: store.tenants },
      { provide: Keys, useValue: store.keys },
      { provide: Providers, useValue: store.providers },
      { provide: Models, useValue: store.models },
      { provide: Budgets, useValue: store.budgets },
      { provide: Credits, useValue: store.credits },
      { provide: Webhooks, useValue: store.webhooks },
      { provide: WebhookDeliveries, useValue: store.webhookDeliveries },
      { provide: Exports, useValue: store.exports },
      { provide: Distributor, useValue: store.distributor },
      { provide: ConfigReconciler, useValue: store.reconciler },
    ];
    return { module: AdminWritingModule, providers, exports: providers.map(({ provide }) => provide) };
  }

  onModuleInit(): void {
    this.store.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.store.close();
  }
}
