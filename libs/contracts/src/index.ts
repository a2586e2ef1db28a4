export * from './catalog';
export * from './errors';
export * from './keys';
export * from './money';
export * from './usage-event';
export * from './ports';
