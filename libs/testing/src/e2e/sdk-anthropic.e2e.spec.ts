import { startGateway } from '../gateway';
import { describeAnthropicSdks } from './sdk-anthropic.conformance';
import { startTwoUpstreams } from './two-upstreams';

describeAnthropicSdks(() => startTwoUpstreams(startGateway));
