import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadGatewayConfig } from './load-config';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'switchboard-files-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function filesOf(text?: string): string[] {
  if (text !== undefined) writeFileSync(path.join(folder, 'gateway.yaml'), text);
  const files: string[] = [];
  loadGatewayConfig({ env: {}, cwd: folder, onFile: (file) => files.push(path.relative(folder, file)) });
  return files;
}

describe('the files that a configuration is made of', () => {
  it('are told, the file itself also where it is missing', () => {
    expect(filesOf()).toEqual(['gateway.yaml']);
  });

  it('include those of secrets, readable or not, faults or not', () => {
    const provider = '{ id: a, kind: nonsense, apiKey: { file: sub/key } }';
    const tenant = '{ id: t, keys: [{ name: k, key: { file: other } }] }';
    expect(filesOf(`providers: [${provider}]\ntenants: [${tenant}]`)).toEqual(['gateway.yaml', 'sub/key', 'other']);
  });
});
