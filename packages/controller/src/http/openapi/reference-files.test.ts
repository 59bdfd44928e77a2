import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { DOCS, referenceFiles } from './reference-files.ts';

test('docs/api and the aliases of docs/compatibility.md are what the definitions say (npm run docs)', async () => {
  const files = await referenceFiles();
  for (const [path, text] of files) assert.equal(readFileSync(new URL(path, DOCS), 'utf8'), text, path);
  const present = readdirSync(new URL('api/', DOCS)).map((name) => `api/${name}`);
  assert.deepEqual(
    present.filter((path) => !files.has(path)),
    [],
    'pages of what is no more',
  );
});
