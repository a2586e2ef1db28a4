import { startGateway } from '../gateway';
import { describeClaudeCode } from './claude-code.conformance';
import { startTwoUpstreams } from './two-upstreams';

/** Claude Code adds `/v1/messages`, so that the last of these asks for `/v1/v1/messages`. */
const BASE_PATHS = ['', '/anthropic', '/api/anthropic/v1'];

describeClaudeCode(() => startTwoUpstreams(startGateway), BASE_PATHS);
