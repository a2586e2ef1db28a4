export { BusLimiter, type BusLimiterOptions } from './bus-limiter';
export { createLocalLimiter, type LocalLimiterOptions } from './local-limiter';
