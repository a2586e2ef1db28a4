/**
 * Makes `values.schema.json` and `README.md` of each chart from its commented `values.yaml`:
 *
 *   node deploy/chart/values-docs.mjs            writes them
 *   node deploy/chart/values-docs.mjs --check    says which are not as they would be written, and ends with 1 then
 *
 * A comment belongs to the value below it. Of its lines, `@section Title` begins a table of the README (which the comment of a
 * map then introduces), and `@schema {…}` is laid over what the schema says otherwise. A schema is strict: it knows the values that are there, with their types, and no
 * others; so an empty list or map has to say what it holds.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import prettier from 'prettier';
import yaml from 'yaml';
import { schemaParts } from './schema-parts.mjs';

const helm = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../helm');

/** The text of a comment, and what it says in `@` lines. */
function readComment(text) {
  const comment = { prose: [], schema: {}, section: undefined };
  // What a blank line separates from the value is about the file.
  const block = (text ?? '').split(/\n\s*\n/).at(-1);
  for (const line of block.split('\n').map((raw) => raw.trim())) {
    const [, word, rest] = /^@(\w+)\s*(.*)$/.exec(line) ?? [];
    if (word === 'schema') Object.assign(comment.schema, JSON.parse(rest));
    else if (word === 'section') comment.section = rest;
    else if (word !== undefined) throw new Error(`@${word} is not known`);
    else if (line !== '') comment.prose.push(line);
  }
  return { ...comment, prose: comment.prose.join(' ') };
}

/** The values of a map in the order of the file, each with its comment. */
function entriesOf(map) {
  return map.items.map((pair, index) => {
    // The comment above the first value of a map is the map's own.
    const text = pair.key.commentBefore ?? (index === 0 ? map.commentBefore : undefined);
    return { key: String(pair.key.value), node: pair.value, comment: readComment(text) };
  });
}

function schemaOf(node, comment, where) {
  const laidOver = comment.schema;
  if ('$ref' in laidOver) return laidOver;
  const described = comment.prose === '' ? {} : { description: comment.prose };
  if (yaml.isMap(node) && node.items.length > 0 && laidOver.type !== 'object') {
    const properties = entriesOf(node).map(({ key, node: value, comment: own }) => [
      key,
      schemaOf(value, own, `${where}.${key}`),
    ]);
    return { ...described, type: 'object', additionalProperties: false, properties: Object.fromEntries(properties) };
  }
  const value = node?.toJSON() ?? null;
  const type = laidOver.type ?? typeOf(value, where);
  if ([type].flat().includes('array') && !('items' in laidOver)) throw new Error(`${where}: says not what it holds`);
  return { ...described, type, ...laidOver };
}

function typeOf(value, where) {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean' || typeof value === 'string') return typeof value;
  if (Number.isInteger(value)) return 'integer';
  throw new Error(`${where}: its type does not tell itself; give it in @schema`);
}

function makeSchema(document, chart) {
  const root = schemaOf(document.contents, { schema: {}, prose: '' }, chart.name);
  const properties = { ...root.properties, global: { description: 'Of a parent chart.', type: 'object' } };
  const text = JSON.stringify({ ...root, properties });
  const used = Object.entries(schemaParts).filter(([name]) => text.includes(`"#/$defs/${name}"`));
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: `Values of the chart ${chart.name}`,
    ...root,
    properties,
    ...(used.length === 0 ? {} : { $defs: Object.fromEntries(used) }),
  };
}

/** The sections of the README: title, introduction, rows of key, default and description. */
function sectionsOf(document) {
  const sections = [];
  const walk = (map, prefix) => {
    for (const { key, node, comment } of entriesOf(map)) {
      const name = `${prefix}${key}`;
      const isBranch =
        yaml.isMap(node) && node.items.length > 0 && comment.schema.type !== 'object' && !('$ref' in comment.schema);
      const introduces = comment.section !== undefined && isBranch;
      const intro = introduces ? comment.prose : '';
      if (comment.section !== undefined) sections.push({ title: comment.section, intro, rows: [] });
      const prose = introduces ? '' : comment.prose;
      if (!isBranch || prose !== '') sections.at(-1).rows.push({ name, node, prose, isBranch });
      if (isBranch) walk(node, `${name}.`);
    }
  };
  walk(document.contents, '');
  return sections;
}

function makeTable({ title, intro, rows }) {
  const cell = (text) => text.replaceAll('|', '\\|');
  const lines = rows.map(({ name, node, prose, isBranch }) => {
    const standard = isBranch ? '' : `\`${cell(JSON.stringify(node?.toJSON() ?? null))}\``;
    return `| \`${name}\` | ${standard} | ${cell(prose)} |`;
  });
  const table = lines.length === 0 ? [] : ['| value | default | what |', '| --- | --- | --- |', ...lines, ''];
  return [`### ${title}`, '', ...(intro === '' ? [] : [intro, '']), ...table].join('\n');
}

async function makeReadme(folder, document) {
  const template = readFileSync(path.join(folder, 'README.template.md'), 'utf8');
  const undescribed = sectionsOf(document).flatMap(({ rows }) => rows.filter(({ prose }) => prose === ''));
  const bare = undescribed.filter(({ name }) => !name.endsWith('.enabled')).map(({ name }) => name);
  if (bare.length > 0) throw new Error(`values without a comment: ${bare.join(', ')}`);
  return template.replace('{{values}}', () => sectionsOf(document).map(makeTable).join('\n'));
}

/** What is to be written, by file. */
async function generated(folder) {
  const chart = yaml.parse(readFileSync(path.join(folder, 'Chart.yaml'), 'utf8'));
  const document = yaml.parseDocument(readFileSync(path.join(folder, 'values.yaml'), 'utf8'));
  const texts = {
    'values.schema.json': JSON.stringify(makeSchema(document, chart)),
    'README.md': await makeReadme(folder, document),
  };
  const formatted = Object.entries(texts).map(async ([name, text]) => {
    const file = path.join(folder, name);
    return [file, await prettier.format(text, { ...(await prettier.resolveConfig(file)), filepath: file })];
  });
  return Promise.all(formatted);
}

const charts = readdirSync(helm).filter((name) => existsSync(path.join(helm, name, 'Chart.yaml')));
const files = (await Promise.all(charts.map((name) => generated(path.join(helm, name))))).flat();
const stale = files.filter(([file, text]) => !existsSync(file) || readFileSync(file, 'utf8') !== text);
const shown = stale.map(([file]) => path.relative(process.cwd(), file)).join(', ');
if (process.argv.includes('--check')) {
  if (stale.length > 0) console.error(`not as values.yaml says: ${shown}; run node deploy/chart/values-docs.mjs`);
  process.exitCode = stale.length === 0 ? 0 : 1;
} else {
  for (const [file, text] of stale) writeFileSync(file, text);
  console.log(stale.length === 0 ? 'all as it was' : `wrote ${shown}`);
}
