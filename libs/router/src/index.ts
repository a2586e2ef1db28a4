export { createRouter, type Router, type RouterOptions } from './router';
export { RouterModule } from './router.module';
