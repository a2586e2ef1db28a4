/** Series in promtool's notation, `0+60x30` being 31 values, and what comes of them. */
export interface AlertCase {
  alert: string;
  /** The rule is evaluated, and a value comes, so often; absent: every minute. */
  everyMinutes?: number;
  /** When the alert is looked for. */
  atMinute: number;
  /** Makes it fire. */
  fires: Series;
  /** As like it as can be, and does not. */
  rests: Series;
}

export type Series = Readonly<Record<string, string>>;

const unknown = (values: number): string => Array.from({ length: values }, () => 'NaN').join(' ');

/** `ratio`: of 6,000 requests from one value to the next, those that are answered with 502. */
const requests = (ratio: number, minutes: number): Series => ({
  'switchboard_requests_total{status="200"}': `0+${6000 * (1 - ratio)}x${minutes}`,
  'switchboard_requests_total{status="502"}': `0+${6000 * ratio}x${minutes}`,
});

/** Of 1,000 observations a minute `slow` are above `bound`. */
const observed = (histogram: string, bound: number, slow: number): Series => ({
  [`${histogram}_bucket{le="${bound}"}`]: `0+${1000 - slow}x40`,
  [`${histogram}_bucket{le="${bound * 10}"}`]: '0+1000x40',
  [`${histogram}_bucket{le="+Inf"}`]: '0+1000x40',
});

const edge = 'job="edge",instance="e1"';
const build = (component: string, labels: string, version = '1'): string =>
  `switchboard_build_info{component="${component}",version="${version}",${labels}}`;

const slo: AlertCase[] = [
  { alert: 'SwitchboardErrorsFast', atMinute: 70, fires: requests(0.02, 80), rests: requests(0.005, 80) },
  {
    ...{ alert: 'SwitchboardErrorsSlow', everyMinutes: 10, atMinute: 480 },
    fires: requests(0.002, 50),
    rests: requests(0.0005, 50),
  },
  {
    alert: 'SwitchboardFirstTokenSlow',
    atMinute: 30,
    fires: observed('switchboard_first_token_seconds', 5, 80),
    rests: observed('switchboard_first_token_seconds', 5, 20),
  },
  {
    alert: 'SwitchboardAddedLatencyHigh',
    atMinute: 30,
    fires: observed('switchboard_added_latency_seconds', 0.1, 20),
    rests: observed('switchboard_added_latency_seconds', 0.1, 5),
  },
];

const stateOf = (state: string): string => `switchboard_upstream_state{provider="p",model="m",state="${state}"}`;
const served = (state: string, job: string): string =>
  `switchboard_model_upstreams{model="m",state="${state}",job="${job}"}`;

const upstreams: AlertCase[] = [
  {
    alert: 'SwitchboardUpstreamOpen',
    atMinute: 10,
    fires: { [stateOf('open')]: '1x10' },
    rests: { [stateOf('degraded')]: '1x10', [stateOf('open')]: '_ 1 1 stale' },
  },
  {
    alert: 'SwitchboardModelUnserved',
    atMinute: 5,
    fires: { [served('open', 'a')]: '2x5', [served('healthy', 'a')]: '0x5', [served('degraded', 'a')]: '0x5' },
    rests: { [served('open', 'a')]: '1x5', [served('healthy', 'a')]: '0x5', [served('half-open', 'a')]: '1x5' },
  },
  {
    alert: 'SwitchboardAccountRefused',
    atMinute: 5,
    fires: { 'switchboard_upstream_account_refused{provider="p"}': '1x5' },
    rests: { 'switchboard_upstream_account_refused{provider="p"}': '1 0x4' },
  },
  {
    alert: 'SwitchboardNoRouterLeader',
    atMinute: 5,
    fires: {
      'switchboard_routing_snapshot_age_seconds{instance="a"}': '0+60x5',
      'switchboard_routing_leader{instance="a"}': '1x5',
    },
    rests: { 'switchboard_routing_leader{instance="a"}': '0x5', 'switchboard_routing_leader{instance="b"}': '1x5' },
  },
  {
    alert: 'SwitchboardRetriesExhausted',
    atMinute: 30,
    fires: { ...requests(0, 40), 'switchboard_upstream_retries_total{outcome="exhausted"}': '0+120x40' },
    rests: {
      ...requests(0, 40),
      'switchboard_upstream_retries_total{outcome="granted"}': '0+600x40',
      'switchboard_upstream_retries_total{outcome="exhausted"}': '0+6x40',
    },
  },
];

const reachesRedis = `switchboard_dependency_up{dependency="redis",required="true",job="rl",instance="r1"}`;

const admission: AlertCase[] = [
  {
    alert: 'SwitchboardAdmissionUnavailable',
    atMinute: 10,
    fires: { 'switchboard_admissions_total{outcome="unavailable_refused"}': '0+1x10' },
    rests: {
      'switchboard_admissions_total{outcome="unavailable_refused"}': '0x10',
      'switchboard_admissions_total{outcome="denied_budget"}': '0+9x10',
    },
  },
  {
    alert: 'SwitchboardLimiterAway',
    atMinute: 10,
    fires: {
      [build('edge-api', edge)]: '1x10',
      [build('rate-limit', 'job="rl",instance="r1"')]: '1x10',
      [reachesRedis]: '0x10',
    },
    rests: {
      [build('edge-api', edge)]: '1x10',
      [build('rate-limit', 'job="rl",instance="r1"')]: '1x10',
      [reachesRedis]: '1x10',
    },
  },
  {
    alert: 'SwitchboardOrphansRising',
    atMinute: 40,
    fires: { switchboard_rate_limit_orphans_total: '0x20 10x20' },
    rests: { switchboard_rate_limit_orphans_total: '0x20 2x20', switchboard_usage_spool_orphans_total: '40x40' },
  },
];

const spool = (bytes: string): Series => ({
  [`switchboard_usage_spool_bytes{${edge}}`]: bytes,
  [`switchboard_usage_spool_limit_bytes{${edge}}`]: '1000x20',
});

const metering: AlertCase[] = [
  {
    alert: 'SwitchboardUsageBacklogGrowing',
    atMinute: 40,
    fires: {
      'switchboard_usage_backlog{instance="a"}': '0+100x40',
      'switchboard_usage_backlog{instance="b"}': '0+100x40',
    },
    rests: { 'switchboard_usage_backlog{instance="a"}': '9000-100x40' },
  },
  {
    alert: 'SwitchboardLedgerLag',
    atMinute: 20,
    fires: { switchboard_ledger_lag_seconds: '0+60x20' },
    rests: { switchboard_ledger_lag_seconds: '290x20' },
  },
  {
    alert: 'SwitchboardUsageRefused',
    atMinute: 20,
    fires: {
      'switchboard_usage_refused_waiting{instance="a"}': '3x20',
      'switchboard_usage_refused_waiting{instance="b"}': unknown(20),
    },
    rests: {
      'switchboard_usage_refused_waiting{instance="a"}': '0x20',
      'switchboard_usage_refused_waiting{instance="b"}': unknown(20),
    },
  },
  {
    alert: 'SwitchboardUsageDropped',
    atMinute: 20,
    fires: { switchboard_usage_dropped_total: '0x10 5x10' },
    rests: { switchboard_usage_dropped_total: '0x20', 'switchboard_usage_records_total{result="stored"}': '0+9x20' },
  },
  { alert: 'SwitchboardSpoolFilling', atMinute: 20, fires: spool('0+100x20'), rests: spool('400x20') },
  {
    alert: 'SwitchboardSpoolRefused',
    atMinute: 20,
    fires: { [`switchboard_usage_spool_refused_total{${edge}}`]: '0x15 7x5' },
    rests: { [`switchboard_usage_spool_refused_total{${edge}}`]: '7x20' },
  },
  {
    alert: 'SwitchboardLedgerUnbalanced',
    atMinute: 5,
    fires: {
      'switchboard_ledger_balanced{instance="a"}': '0x5',
      'switchboard_ledger_balanced{instance="b"}': unknown(5),
    },
    rests: {
      'switchboard_ledger_balanced{instance="a"}': '1x5',
      'switchboard_ledger_balanced{instance="b"}': unknown(5),
    },
  },
  {
    ...{ alert: 'SwitchboardReconciliationOverdue', everyMinutes: 60, atMinute: 2940 },
    fires: { switchboard_ledger_reconciled_timestamp_seconds: '1x50' },
    rests: {
      'switchboard_ledger_reconciled_timestamp_seconds{instance="a"}': '1x50',
      'switchboard_ledger_reconciled_timestamp_seconds{instance="b"}': '100000x50',
    },
  },
  {
    alert: 'SwitchboardJobFailing',
    atMinute: 120,
    fires: { 'switchboard_jobs_total{exported_job="exports",result="failed"}': '0+0.1x120' },
    rests: {
      'switchboard_jobs_total{exported_job="exports",result="failed"}': '0x60 1x60',
      'switchboard_jobs_total{exported_job="exports",result="done"}': '0+30x120',
    },
  },
  {
    alert: 'SwitchboardRollupRepaired',
    atMinute: 20,
    fires: { switchboard_rollup_repairs_total: '0x10 1x10' },
    rests: { switchboard_rollup_repairs_total: '0x20' },
  },
  {
    alert: 'SwitchboardResponsesLost',
    atMinute: 20,
    fires: {
      'switchboard_responses_put_total{outcome="dropped"}': '0x20',
      'switchboard_responses_lookups_total{outcome="unreadable"}': '0x10 1x10',
    },
    rests: {
      'switchboard_responses_put_total{outcome="dropped"}': '0x20',
      'switchboard_responses_lookups_total{outcome="unknown"}': '0+1x20',
    },
  },
];

const runtime: AlertCase[] = [
  {
    alert: 'SwitchboardEdgeAbsent',
    atMinute: 10,
    fires: { [build('router', 'instance="r"')]: '1x10' },
    rests: { [build('standalone', 'instance="s"')]: '1x10' },
  },
  {
    alert: 'SwitchboardDependencyDown',
    atMinute: 10,
    fires: { [`switchboard_dependency_up{dependency="nats",required="true",${edge}}`]: '0x10' },
    rests: {
      [`switchboard_dependency_up{dependency="redis",required="false",${edge}}`]: '0x10',
      [`switchboard_dependency_up{dependency="nats",required="true",${edge}}`]: '0 0 1x8',
    },
  },
  {
    alert: 'SwitchboardSchemaMissing',
    atMinute: 20,
    fires: { switchboard_schema_in_place: '0x20' },
    rests: { switchboard_schema_in_place: '0x8 1x12' },
  },
  {
    alert: 'SwitchboardReleasesMixed',
    atMinute: 150,
    fires: { [build('edge-api', edge, '1')]: '1x150', [build('router', 'instance="r"', '2')]: '1x150' },
    rests: { [build('edge-api', edge, '2')]: '1x150', [build('router', 'instance="r"', '2')]: '1x150' },
  },
  {
    alert: 'SwitchboardDrainStuck',
    atMinute: 70,
    fires: { [`switchboard_draining_seconds{${edge}}`]: '0+60x70' },
    rests: { [`switchboard_draining_seconds{${edge}}`]: '0x20 0+60x50' },
  },
  {
    alert: 'SwitchboardEventLoopDelayed',
    atMinute: 20,
    fires: { [build('edge-api', edge)]: '1x20', [`nodejs_eventloop_lag_p99_seconds{${edge}}`]: '0.3x20' },
    rests: {
      [build('edge-api', edge)]: '1x20',
      [`nodejs_eventloop_lag_p99_seconds{${edge}}`]: '0.02x20',
      'nodejs_eventloop_lag_p99_seconds{job="other"}': '9x20',
    },
  },
  {
    alert: 'SwitchboardConfigInvalid',
    atMinute: 10,
    fires: { switchboard_config_valid: '0x10' },
    rests: { switchboard_config_valid: '1x10' },
  },
  {
    alert: 'SwitchboardChangesStuck',
    atMinute: 10,
    fires: { switchboard_outbox_oldest_seconds: '0+60x10' },
    rests: { switchboard_outbox_oldest_seconds: '50x10' },
  },
];

export const ALERT_CASES: readonly AlertCase[] = [...slo, ...upstreams, ...admission, ...metering, ...runtime];
