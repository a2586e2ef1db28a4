export * from './gateway';
export * from './stack';
