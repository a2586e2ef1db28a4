export { AdminApiModule } from './admin-api.module';
export type { AdminApiOptions } from './options';
