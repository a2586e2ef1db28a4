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

/** The body of a reply with 200; rejects otherwise. */
export function httpText(url: URL): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, timeout: 5000 }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => (text += part));
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`${url.pathname} answered ${response.statusCode}: ${text.slice(0, 200)}`));
      });
    });
    request.on('timeout', () => request.destroy(new Error(`${url.pathname} did not answer`)));
    request.on('error', reject);
  });
}
