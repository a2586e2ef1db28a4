import { startGateway } from '../gateway';
import { describeOpenAiSdks } from './sdk-openai.conformance';
import { startTwoUpstreams } from './two-upstreams';

describeOpenAiSdks(() => startTwoUpstreams(startGateway));
