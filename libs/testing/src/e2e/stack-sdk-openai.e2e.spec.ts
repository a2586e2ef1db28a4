import { startStack, type RunningStack } from '../stack';
import { describeAccounts } from './accounts.conformance';
import { describeOpenAiSdks } from './sdk-openai.conformance';
import { startTwoUpstreams, type TwoUpstreams } from './two-upstreams';

let world: TwoUpstreams<RunningStack>;
describeOpenAiSdks(async () => (world = await startTwoUpstreams(startStack)));
describeAccounts(() => world);
