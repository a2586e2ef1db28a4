import { request } from 'node:http';
import type { StackCommand } from './arguments';
import { readRunningState, type StackState } from './state-file';

/** Does what was asked of the stack that runs here. @returns what to print. @throws when none runs, or it refuses. */
export async function runCommand(command: Exclude<StackCommand, { kind: 'run' }>, stateFile: string): Promise<string> {
  const state = await readRunningState(stateFile);
  if (state === undefined) throw new Error(`No stack runs here (${stateFile}). Start one: npm run stack`);
  if (command.kind === 'status') return statusText(state);
  const query = new URLSearchParams();
  if (command.name !== undefined) query.set('name', command.name);
  if (command.signal !== undefined) query.set('signal', command.signal);
  return post(`${state.control.url}/${command.action}?${query.toString()}`, state.control.token);
}

function statusText({ pid, url, adminUrl, logs, processes }: StackState): string {
  const rows = processes.map((entry) => [
    entry.name,
    String(entry.replica),
    entry.status,
    String(entry.pid),
    // A database's URL holds its password.
    entry.url.replace(/\/\/[^@/]*@/, '//'),
  ]);
  const head = ['name', 'replica', 'status', 'pid', 'url'];
  const widths = head.map((title, column) =>
    Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0), title.length),
  );
  const lines = [head, ...rows].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return `gateway ${url}   admin ${adminUrl}   pid ${pid}   logs ${logs}\n\n${lines.join('\n')}`;
}

/** Not fetch, which gives up after five minutes of silence: replacing many processes may take longer. */
function post(url: string, token: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method: 'POST', headers: { authorization: `Bearer ${token}` } });
    outgoing.on('error', reject);
    outgoing.on('response', (reply) => {
      let text = '';
      reply.setEncoding('utf8');
      reply.on('data', (chunk: string) => (text += chunk));
      reply.on('error', reject);
      reply.on('end', () => {
        const { done, error } = JSON.parse(text) as { done?: string; error?: string };
        if (done !== undefined) resolve(done);
        else reject(new Error(error ?? `the stack answered ${reply.statusCode}`));
      });
    });
    outgoing.end();
  });
}
