export * from './gateway';
export * from './otlp-sink';
export * from './stack';
export { renderChart, type Rendering } from './chart/render-chart';
export { environmentOf, namesIn, podOf } from './chart/workloads';
