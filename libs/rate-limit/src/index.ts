export { RedisReservations } from './adapters/redis-reservations';
export { InMemoryReservations } from './core/in-memory-reservations';
export type { Reservation, Reservations, ReservationsSettings } from './core/reservations';
export { measureReservations } from './measured-reservations';
export { createRateLimit, type RateLimit, type RateLimitOptions } from './rate-limit';
export { RateLimitModule } from './rate-limit.module';
