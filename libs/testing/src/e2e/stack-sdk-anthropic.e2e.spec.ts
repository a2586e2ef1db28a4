import { startStack, type RunningStack } from '../stack';
import { describeAccounts } from './accounts.conformance';
import { describeAnthropicSdks } from './sdk-anthropic.conformance';
import { startTwoUpstreams, type TwoUpstreams } from './two-upstreams';

let world: TwoUpstreams<RunningStack>;
describeAnthropicSdks(async () => (world = await startTwoUpstreams(startStack)));
describeAccounts(() => world);
