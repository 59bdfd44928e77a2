import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseConfig } from './config.ts';
import { configurationDocument } from './configuration-document.ts';

test('docs/configuration.md is what the definition says (npm run docs)', () => {
  const path = new URL('../../../docs/configuration.md', import.meta.url);
  assert.equal(readFileSync(path, 'utf8'), configurationDocument());
});

test('a wrong key is named, with where it stands', () => {
  assert.throws(() => parseConfig({ agent: { nat_backend: 'ipfw' } }), /agent\.nat_backend/);
  assert.throws(() => parseConfig({ listen: 'x' }), /listen/);
  assert.throws(() => parseConfig({ agent: { bridge_mappings: ['public'] } }), /public:br-ex/);
});
