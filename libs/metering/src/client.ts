/** What others bind to reach metering; its other ports, USAGE_SINK and USAGE_QUERIES, are in the contracts. */
export const METERING_HEALTH = Symbol('METERING_HEALTH');
