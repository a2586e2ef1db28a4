/**
 * Lints snippets as if they stood at the given paths: JSON `{filePath, code}[]` on stdin, the ids of the rules they
 * break, `string[][]`, on stdout. A process of its own, because ESLint imports its configuration as an ES module, which
 * jest's module registry cannot do.
 */
import { text } from 'node:stream/consumers';
import path from 'node:path';
import { ESLint } from 'eslint';

// With CI set, typescript-eslint takes the files on disk for the code it is given.
process.env.TSESTREE_SINGLE_RUN = 'false';

const root = path.resolve(import.meta.dirname, '../../..');
// Snippets are not files, so no TypeScript program knows them: rules that need types are off unless asked for.
const untyped = process.argv.includes('--types')
  ? []
  : [(await import('typescript-eslint')).default.configs.disableTypeChecked];
const linter = new ESLint({ cwd: root, overrideConfig: untyped });

const reports = [];
for (const { filePath, code } of JSON.parse(await text(process.stdin))) {
  const [result] = await linter.lintText(code, { filePath: path.join(root, filePath) });
  reports.push(result.messages.map(({ ruleId, message }) => ruleId ?? `fatal: ${message}`));
}
process.stdout.write(JSON.stringify(reports));
