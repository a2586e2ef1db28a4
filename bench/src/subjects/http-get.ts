import { get } from 'node:http';

/** Resolves when 127.0.0.1 answers with that status; rejects otherwise. */
export function httpGet(port: number, path: string, status: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = get({ port, host: '127.0.0.1', path, agent: false, timeout: 2000 }, (response) => {
      response.resume();
      if (response.statusCode === status) resolve();
      else reject(new Error(`${path} answered ${response.statusCode}`));
    });
    request.on('timeout', () => request.destroy(new Error(`${path} did not answer`)));
    request.on('error', reject);
  });
}
