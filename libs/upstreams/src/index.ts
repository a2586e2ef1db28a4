export { classOfFailure, classOfStatus, isFailure, type FailedCall } from './outcomes/outcome-class';
export { addHistogram, bucketOf, countOf, observe, quantile } from './outcomes/histogram';
export { DEFAULT_RETRY_POLICY, RetryBudget, type RetryPolicy } from './retry-budget';
export { AccountHealth, type Refusal } from './health/account-health';
export { Breaker, type Standing } from './health/breaker';
export { Latency } from './health/latency';
export { UpstreamHealth, type FailureFacts } from './health/upstream-health';
export { hashBytes, hashText } from './pick/affinity';
export { pick, placeOf, type Choice, type PickOptions } from './pick/pick';
