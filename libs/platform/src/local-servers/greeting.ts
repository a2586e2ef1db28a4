import { connect } from 'node:net';

const PATIENCE_MS = 1_000;

/** Whether a server on this port of this machine says what it should. */
export function greets(port: number, { say, hear }: { say?: string; hear: string }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let heard = '';
    const end = (well: boolean): void => {
      socket.destroy();
      resolve(well);
    };
    socket.setTimeout(PATIENCE_MS, () => end(false));
    // Not there yet: the caller asks again.
    socket.on('error', () => end(false));
    socket.on('close', () => end(false));
    socket.on('connect', () => {
      if (say !== undefined) socket.write(say);
    });
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1');
      if (heard.length >= hear.length) end(heard.startsWith(hear));
    });
  });
}
