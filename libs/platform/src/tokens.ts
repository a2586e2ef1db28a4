/** What every process binds once and every Nest module may inject. */
export const LOGGER = Symbol('LOGGER');
export const METRICS = Symbol('METRICS');
