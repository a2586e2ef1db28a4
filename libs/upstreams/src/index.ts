export { KINDS } from './kinds/kinds';
export { dialectFor, type HttpHeaders, type UpstreamKind } from './kinds/kind';
export { classOfFailure, classOfStatus, isFailure, type FailedCall } from './outcomes/outcome-class';
export { addHistogram, bucketOf, countOf, observe, quantile } from './outcomes/histogram';
export { choiceName, upstreamName } from './upstream-name';
export { RetryBudget } from './retry-budget';
export { AccountHealth } from './health/account-health';
export { Breaker } from './health/breaker';
export { Latency } from './health/latency';
export { UpstreamHealth, type FailureFacts } from './health/upstream-health';
export { hashBytes, hashText } from './pick/hash';
export { lastResort, pick, placeOf, type Choice, type PickOptions } from './pick/pick';
export { OutcomeTally, type ReplyFigures } from './outcomes/tally';
export { expectedCost, type LikelyCall } from './rank/expected-cost';
export { ranksOf, type Compared, type Ranks } from './rank/ranks';
export {
  expectedSeconds,
  likelyCall,
  TYPICAL_INPUT_TOKENS,
  TYPICAL_OUTPUT_TOKENS,
  type UpstreamFigures,
} from './rank/expectation';
export { orderUpstreams, type UpstreamStanding } from './rank/model-order';
export { isPolicyName, POLICY_NAMES, rankByPolicy, type PolicyName, type PolicyStanding } from './rank/policy';
