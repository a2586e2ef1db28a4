export { startSimulator, type RunningSimulator, type SimulatorOptions } from './simulator';
export type { Served, ServedRequest, ServedTotals } from './served';
export type { ReceivedRequest } from './received';
