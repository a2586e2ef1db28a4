export { classOfFailure, classOfStatus, isFailure, type FailedCall } from './outcomes/outcome-class';
export { addHistogram, bucketOf, countOf, observe, quantile } from './outcomes/histogram';
export { DEFAULT_RETRY_POLICY, RetryBudget, type RetryPolicy } from './retry-budget';
