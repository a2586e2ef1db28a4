export * from './gateway';
export * from './stack';
export { renderChart, type Rendering } from './chart/render-chart';
export { environmentOf, namesIn, podOf } from './chart/workloads';
