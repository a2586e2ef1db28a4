import type { BenchDialect } from './dialect';

interface AnthropicEvent {
  type: string;
  delta?: { text?: string };
}

interface ChatChunk {
  choices: { delta: { content?: string | null } }[];
}

/** What a client reads in a reply body. Throws where the body is not the dialect, or a stream lacks its end. */
export function answerOf(dialect: BenchDialect, streaming: boolean, body: string): string {
  if (!streaming) return wholeAnswer(dialect, body);
  const payloads = body.split('\n').flatMap((line) => (line.startsWith('data:') ? [line.slice(5).trim()] : []));
  const end = payloads.at(-1) ?? '';
  const hasEnded = dialect === 'chat' ? end === '[DONE]' : end.includes('"message_stop"');
  if (!hasEnded) throw new Error(`the stream ends in ${JSON.stringify(end.slice(0, 200))}`);
  return payloads.map((payload) => (dialect === 'chat' ? chatDelta(payload) : anthropicDelta(payload))).join('');
}

function wholeAnswer(dialect: BenchDialect, body: string): string {
  if (dialect === 'anthropic') {
    const message = JSON.parse(body) as { content: { text: string }[] };
    return message.content.map((block) => block.text).join('');
  }
  const completion = JSON.parse(body) as { choices: { message: { content: string } }[] };
  return completion.choices.map((choice) => choice.message.content).join('');
}

function anthropicDelta(payload: string): string {
  return (JSON.parse(payload) as AnthropicEvent).delta?.text ?? '';
}

function chatDelta(payload: string): string {
  if (payload === '[DONE]') return '';
  return (JSON.parse(payload) as ChatChunk).choices.map((choice) => choice.delta.content ?? '').join('');
}
