import { describeJobRunner } from './job-runner.conformance';
import { LocalJobs } from './local-jobs';

describeJobRunner((tools) => new LocalJobs({ ...tools, firstTurnMs: 20 }));
