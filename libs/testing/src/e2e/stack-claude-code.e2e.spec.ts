import { startStack } from '../stack';
import { describeClaudeCode } from './claude-code.conformance';
import { startTwoUpstreams } from './two-upstreams';

describeClaudeCode(() => startTwoUpstreams(startStack), ['']);
