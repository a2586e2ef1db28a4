export { AdminApiModule } from './admin-api.module';
export type { OidcOptions } from './auth/token-verifier';
export type { Administration, AdminApiOptions } from './options';
export { type AdminStore, type AdminStoreOptions, createAdminStore } from './services/admin-store';
export { ADMIN_STORE, AdminWritingModule } from './services/admin-writing.module';
