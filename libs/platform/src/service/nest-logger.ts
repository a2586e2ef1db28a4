import type { LoggerService } from '@nestjs/common';
import type { Logger } from '../logging/logger';

/** Nest's own words, as entries of ours. */
export function nestLogger(logger: Logger): LoggerService {
  return {
    log: (text: unknown) => logger.debug(String(text)),
    error: (text: unknown) => logger.error(String(text)),
    warn: (text: unknown) => logger.warn(String(text)),
  };
}
